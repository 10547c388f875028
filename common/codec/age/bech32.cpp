#include "common/codec/age/bech32.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/codec/age/secret_key.hpp"

namespace walferry {
namespace {

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t checksum_length = 6;

bool is_upper(char c) noexcept {
    return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) noexcept {
    return c >= 'a' && c <= 'z';
}
char lower(char c) noexcept {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) noexcept {
    return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

/// BIP-173's checksum, fed with one 5-bit group after the other.
class Checksum {
  public:
    explicit Checksum(std::string_view prefix) noexcept {
        for (const char c : prefix) add(static_cast<std::uint8_t>(lower(c)) >> 5);
        add(0);
        for (const char c : prefix) add(static_cast<std::uint8_t>(lower(c)) & 31);
    }

    void add(std::uint32_t group) noexcept {
        static constexpr std::array<std::uint32_t, 5> generator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                                0x3d4233dd, 0x2a1462b3};
        const std::uint32_t top = value_ >> 25;
        value_ = (value_ & 0x1ffffff) << 5 ^ group;
        for (std::size_t i = 0; i < generator.size(); ++i) {
            if ((top >> i & 1) != 0) value_ ^= generator[i];
        }
    }

    /// The groups that make the whole valid.
    std::array<std::uint32_t, checksum_length> groups() const noexcept {
        Checksum padded = *this;
        for (std::size_t i = 0; i < checksum_length; ++i) padded.add(0);
        std::array<std::uint32_t, checksum_length> result{};
        for (std::size_t i = 0; i < checksum_length; ++i)
            result[i] = ((padded.value_ ^ 1) >> 5 * (5 - i)) & 31;
        return result;
    }

    bool valid() const noexcept { return value_ == 1; }

  private:
    std::uint32_t value_ = 1;
};

std::size_t groups_for(std::size_t bytes) noexcept {
    return (bytes * 8 + 4) / 5;
}

bool decode(std::string_view text, std::string_view prefix, MutableBytes data) noexcept {
    const std::size_t digits = groups_for(data.size()) + checksum_length;
    if (text.size() != prefix.size() + 1 + digits) return false;
    if (text.substr(0, prefix.size()) != prefix || text[prefix.size()] != '1') return false;

    const bool wants_upper = std::any_of(prefix.begin(), prefix.end(), is_upper);
    Checksum checksum(prefix);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    std::size_t filled = 0;
    const std::string_view body = text.substr(prefix.size() + 1);
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (wants_upper ? is_lower(body[i]) : is_upper(body[i])) return false;
        const std::size_t group = alphabet.find(lower(body[i]));
        if (group == std::string_view::npos) return false;
        checksum.add(static_cast<std::uint32_t>(group));
        if (i >= digits - checksum_length) continue;
        pending = (pending << 5 | static_cast<std::uint32_t>(group)) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            data[filled++] = static_cast<std::byte>(pending >> bits & 0xff);
        }
    }
    const bool padding_clear = (pending & ((1U << bits) - 1)) == 0;
    return checksum.valid() && padding_clear && filled == data.size();
}

}  // namespace

SecretText bech32_encode(std::string_view prefix, Bytes data) {
    const bool wants_upper = std::any_of(prefix.begin(), prefix.end(), is_upper);
    SecretText text(prefix.size() + 1 + groups_for(data.size()) + checksum_length);
    Checksum checksum(prefix);
    const auto append = [&](std::uint32_t group) {
        const char c = wants_upper ? upper(alphabet[group]) : alphabet[group];
        text.append({&c, 1});
        checksum.add(group);
    };

    text.append(prefix);
    text.append("1");
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const std::byte b : data) {
        pending = (pending << 8 | std::to_integer<std::uint32_t>(b)) & 0xfff;
        bits += 8;
        for (; bits >= 5; bits -= 5) append(pending >> (bits - 5) & 31);
    }
    if (bits > 0) append(pending << (5 - bits) & 31);
    for (const std::uint32_t group : checksum.groups()) append(group);
    return text;
}

bool bech32_decode(std::string_view text, std::string_view prefix, MutableBytes data) noexcept {
    if (decode(text, prefix, data)) return true;
    wipe(data);
    return false;
}

}  // namespace walferry
