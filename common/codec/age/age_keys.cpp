#include "common/codec/age/age_keys.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "common/clock.hpp"
#include "common/codec/age/bech32.hpp"
#include "common/codec/age/octets.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::string_view recipient_prefix = "age";
constexpr std::string_view identity_prefix = "AGE-SECRET-KEY-";

std::array<std::byte, 32> public_half(const SecretKey& secret) {
    std::array<std::byte, 32> key{};
    if (crypto_scalarmult_base(writable_octets(key), octets(secret.bytes())) != 0) {
        throw Error(ErrorKind::internal, "cannot derive an X25519 public key");
    }
    return key;
}

/// Calls visit(line, number) for each line that is neither empty nor a comment.
template <typename Visit>
void for_each_entry(std::string_view text, Visit visit) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!line.empty() && line.front() != '#') visit(line, number);
    }
}

/// Repeats what parsing a line threw, with the place in front.
template <typename Parse>
auto at_line(const std::string& shown, std::size_t number, Parse parse) {
    try {
        return parse();
    } catch (const Error& error) {
        throw Error(error.kind(), shown + ", line " + std::to_string(number) + ": " + error.message(),
                    error.hint());
    }
}

}  // namespace

AgeRecipient::AgeRecipient(std::span<const std::byte, 32> public_key) {
    std::copy(public_key.begin(), public_key.end(), public_key_.begin());
    text_ = bech32_encode(recipient_prefix, public_key_).view();
}

AgeRecipient AgeRecipient::parse(std::string_view text) {
    require_sodium();
    std::array<std::byte, 32> key{};
    if (bech32_decode(text, recipient_prefix, key)) return AgeRecipient(key);
    // Someone may have put the wrong half here: the text must not end up in a log then.
    const bool shows_secret = text.substr(0, 4) == "AGE-" || text.substr(0, 4) == "age-";
    const std::string shown = shows_secret ? "a secret key" : "\"" + std::string(text.substr(0, 80)) + "\"";
    throw Error(
        ErrorKind::config, shown + " is not an age X25519 recipient",
        "a recipient is the 62 characters age1… that keygen prints as the public key; other kinds (ssh-…, "
        "plugins) are not supported");
}

AgeIdentity::AgeIdentity(SecretKey secret) : secret_(std::move(secret)), recipient_(public_half(secret_)) {}

AgeIdentity AgeIdentity::generate() {
    SecretKey secret;
    randombytes_buf(secret.fill().data(), SecretKey::size);
    return AgeIdentity(std::move(secret));
}

AgeIdentity AgeIdentity::parse(std::string_view text) {
    SecretKey secret;
    if (bech32_decode(text, identity_prefix, secret.fill())) return AgeIdentity(std::move(secret));
    throw Error(ErrorKind::config, "not an age X25519 identity",
                "an identity is the 74 characters AGE-SECRET-KEY-1… that keygen writes; files protected by a "
                "passphrase, ssh keys and plugins are not supported");
}

SecretText AgeIdentity::text() const {
    return bech32_encode(identity_prefix, secret_.bytes());
}

std::vector<AgeIdentity> parse_identities(std::string_view text, const std::string& shown) {
    std::vector<AgeIdentity> identities;
    for_each_entry(text, [&](std::string_view line, std::size_t number) {
        identities.push_back(at_line(shown, number, [&] { return AgeIdentity::parse(line); }));
    });
    if (identities.empty()) {
        throw Error(ErrorKind::config, shown + " holds no identity", "walferry keygen -o FILE makes one");
    }
    return identities;
}

std::vector<AgeIdentity> load_identities(const std::string& path) {
    return parse_identities(read_secret_file(path, "identity file").view(), path);
}

std::vector<AgeRecipient> parse_recipients(std::string_view text, const std::string& shown) {
    std::vector<AgeRecipient> recipients;
    for_each_entry(text, [&](std::string_view line, std::size_t number) {
        recipients.push_back(at_line(shown, number, [&] { return AgeRecipient::parse(line); }));
    });
    if (recipients.empty()) throw Error(ErrorKind::config, shown + " holds no recipient");
    return recipients;
}

SecretText identity_file_text(const AgeIdentity& identity) {
    const std::string seconds = format_time(wall_now()).substr(0, 19);
    const std::string comments =
        "# created: " + seconds + "Z\n# public key: " + identity.recipient().text() + "\n";
    const SecretText key = identity.text();
    SecretText text(comments.size() + key.view().size() + 1);
    text.append(comments);
    text.append(key.view());
    text.append("\n");
    return text;
}

}  // namespace walferry
