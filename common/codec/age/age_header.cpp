#include "common/codec/age/age_header.hpp"

#include <sodium.h>

#include <algorithm>

#include "common/codec/age/age.hpp"
#include "common/codec/age/age_x25519.hpp"
#include "common/codec/age/base64.hpp"
#include "common/codec/age/hkdf.hpp"

namespace walferry {
namespace {

constexpr std::string_view version_line = "age-encryption.org/v1";
constexpr std::string_view stanza_start = "-> ";
constexpr std::string_view mac_start = "---";
constexpr std::size_t columns = 64;  // of base64 in a stanza's body; a shorter line is the last

[[noreturn]] void refuse(const std::string& why) {
    throw AgeError(AgeFailure::header, "not a valid age header: " + why);
}

/// Splits off lines; every one must end in a line feed.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_(text) {}

    std::string_view take() {
        const std::size_t end = rest_.find('\n');
        if (end == std::string_view::npos) refuse("it breaks off");
        const std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return line;
    }
    std::string_view rest() const noexcept { return rest_; }

  private:
    std::string_view rest_;
};

std::vector<std::byte> strict_base64(std::string_view text) {
    auto bytes = base64_decode(text);
    if (!bytes) refuse("a line is not canonical base64");
    return std::move(*bytes);
}

std::vector<std::string> parse_arguments(std::string_view text) {
    std::vector<std::string> arguments;
    for (;;) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view argument = text.substr(0, end);
        const bool printable =
            std::all_of(argument.begin(), argument.end(), [](char c) { return c >= '!' && c <= '~'; });
        if (argument.empty() || !printable)
            refuse("an argument is empty or has characters that are not printable");
        arguments.emplace_back(argument);
        if (end == text.size()) return arguments;
        text.remove_prefix(end + 1);
    }
}

AgeStanza parse_stanza(Lines& lines) {
    const std::string_view first = lines.take();
    if (first.substr(0, stanza_start.size()) != stanza_start)
        refuse("a recipient does not start with \"-> \"");
    AgeStanza stanza{parse_arguments(first.substr(stanza_start.size())), {}};
    for (;;) {
        const std::string_view line = lines.take();
        if (line.size() > columns) refuse("a line is longer than 64 characters");
        const auto bytes = strict_base64(line);
        stanza.body.insert(stanza.body.end(), bytes.begin(), bytes.end());
        if (line.size() < columns) return stanza;
    }
}

std::string write_stanza(const AgeStanza& stanza) {
    std::string text = "->";
    for (const std::string& argument : stanza.arguments) text += " " + argument;
    text += "\n";
    const std::string body = base64_encode(stanza.body);
    for (std::size_t at = 0; at <= body.size(); at += columns) text += body.substr(at, columns) + "\n";
    return text;
}

std::array<std::byte, 32> header_mac(std::string_view authenticated, Bytes file_key) {
    Wiped<32> key;
    hkdf_sha256(file_key, {}, "header", key.fill());
    std::array<std::byte, 32> mac{};
    hmac_sha256(key.bytes(), as_bytes(authenticated), mac);
    return mac;
}

bool unwrap_any(const AgeHeader& header, const std::vector<AgeIdentity>& identities,
                std::span<std::byte, 16> file_key) {
    for (const AgeIdentity& identity : identities) {
        for (const AgeStanza& stanza : header.stanzas) {
            if (stanza.arguments.front() == x25519_type && unwrap_x25519(stanza, identity, file_key))
                return true;
        }
    }
    return false;
}

}  // namespace

std::optional<std::size_t> find_age_header_end(std::string_view text, std::size_t from) {
    // No other line of a valid header starts with three dashes. Looking back as far as a valid last line is
    // long finds it wherever the bytes were cut.
    constexpr std::size_t longest_last_line = 64;
    const std::size_t mac = text.find("\n---", from > longest_last_line ? from - longest_last_line : 0);
    if (mac == std::string_view::npos) return std::nullopt;
    const std::size_t end = text.find('\n', mac + 1);
    return end == std::string_view::npos ? std::nullopt : std::optional(end + 1);
}

AgeHeader parse_age_header(std::string_view text) {
    Lines lines(text);
    const std::string_view version = lines.take();
    if (version != version_line) {
        const bool newer =
            version.substr(0, version_line.size() - 1) == version_line.substr(0, version_line.size() - 1);
        refuse(newer ? "this version of the format is not supported" : "this is not an age file");
    }

    AgeHeader header;
    do {
        header.stanzas.push_back(parse_stanza(lines));
    } while (lines.rest().substr(0, mac_start.size()) != mac_start);

    const auto covered = static_cast<std::size_t>(lines.rest().data() - text.data()) + mac_start.size();
    header.authenticated = text.substr(0, covered);
    const std::string_view last = lines.take().substr(mac_start.size());
    if (last.empty() || last.front() != ' ') refuse("there is no space before its authentication code");
    const auto mac = strict_base64(last.substr(1));
    if (mac.size() != header.mac.size()) refuse("its authentication code has the wrong length");
    std::copy(mac.begin(), mac.end(), header.mac.begin());
    if (!lines.rest().empty()) refuse("something follows it");
    return header;
}

std::string make_age_header(const std::vector<AgeRecipient>& recipients, Bytes file_key) {
    std::string text(version_line);
    text += "\n";
    for (const AgeRecipient& recipient : recipients) text += write_stanza(wrap_x25519(recipient, file_key));
    text += mac_start;
    const auto mac = header_mac(text, file_key);
    text += " " + base64_encode(mac) + "\n";
    return text;
}

void unwrap_age_header(const AgeHeader& header, const std::vector<AgeIdentity>& identities,
                       std::span<std::byte, 16> file_key) {
    if (!unwrap_any(header, identities, file_key)) {
        throw AgeError(AgeFailure::no_match,
                       "none of the identities given can decrypt this: it is for other recipients",
                       "name the identity file of one of its recipients");
    }
    const auto mac = header_mac(header.authenticated, file_key);
    if (sodium_memcmp(mac.data(), header.mac.data(), mac.size()) != 0) {
        throw AgeError(AgeFailure::header_mac,
                       "the age header was changed: its authentication code does not fit");
    }
}

}  // namespace walferry
