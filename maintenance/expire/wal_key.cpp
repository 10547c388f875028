#include "maintenance/expire/wal_key.hpp"

#include <charconv>
#include <cstdio>
#include <span>

namespace walferry::expire {
namespace {

void pack(const std::string& digits, std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
        std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, out[i], 16);
}

std::string unpack(std::span<const std::uint8_t> bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string eight(std::uint32_t number) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%08X", number);
    return text.data();
}

}  // namespace

WalKey::WalKey(const WalName& name, const ObjectName& object)
    : timeline_(name.timeline),
      log_(name.log),
      seg_(name.seg),
      kind_(name.kind),
      encrypted_(object.encrypted) {
    pack(object.fingerprint, fingerprint_);
    pack(object.sha256, sha256_);
    pack(object.recipients, recipients_);
    if (kind_ == WalKind::backup) std::from_chars(name.text.data() + 25, name.text.data() + 33, offset_, 16);
}

std::string WalKey::key(const ObjectKeys& keys) const {
    std::string name = eight(timeline_);
    if (kind_ == WalKind::history)
        name += ".history";
    else
        name += eight(log_) + eight(seg_);
    if (kind_ == WalKind::partial) name += ".partial";
    if (kind_ == WalKind::backup) name += "." + eight(offset_) + ".backup";
    return keys.wal({name, unpack(fingerprint_), unpack(recipients_), unpack(sha256_), encrypted_});
}

}  // namespace walferry::expire
