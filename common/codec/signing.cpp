#include "common/codec/signing.hpp"

#include <sodium.h>

#include <utility>

#include "common/codec/age/bech32.hpp"
#include "common/codec/age/octets.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::string_view public_prefix = "walferry-writer";
constexpr std::string_view secret_prefix = "WALFERRY-WRITER-KEY-";
static_assert(SecretKey::size == crypto_sign_SEEDBYTES && crypto_sign_PUBLICKEYBYTES == 32);

struct KeyPair {
    std::array<std::byte, crypto_sign_PUBLICKEYBYTES> public_half{};
    Wiped<crypto_sign_SECRETKEYBYTES> secret_half;

    explicit KeyPair(const SecretKey& seed) {
        crypto_sign_seed_keypair(writable_octets(public_half), writable_octets(secret_half.fill()),
                                 octets(seed.bytes()));
    }
};

/// The one line of a key file that is neither empty nor a comment; empty when there is none, or a second.
std::string_view only_entry(std::string_view text) {
    std::string_view entry;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        if (!entry.empty()) return {};
        entry = line;
    }
    return entry;
}

}  // namespace

WriterKey::WriterKey(SecretKey seed)
    : seed_(std::move(seed)), public_key_(bech32_encode(public_prefix, KeyPair(seed_).public_half).view()) {}

WriterKey WriterKey::generate() {
    SecretKey seed;
    randombytes_buf(seed.fill().data(), SecretKey::size);
    return WriterKey(std::move(seed));
}

WriterKey WriterKey::parse(std::string_view text) {
    SecretKey seed;
    if (bech32_decode(text, secret_prefix, seed.fill())) return WriterKey(std::move(seed));
    throw Error(
        ErrorKind::config, "not a walferry writer key",
        "the file holds one line WALFERRY-WRITER-KEY-1…; walferry init makes one where it is missing");
}

WriterKey WriterKey::load(const std::string& path) {
    const SecretText text = read_secret_file(path, "writer key file");
    try {
        return parse(only_entry(text.view()));
    } catch (const Error& error) {
        throw Error(error.kind(), "cannot use the writer key file " + path + ": " + error.message(),
                    error.hint());
    }
}

void WriterKey::save(const std::string& path) const {
    const SecretText key = text();
    const std::string comment =
        "# walferry writer key: anyone who has it can sign as this host\n# public key: ";
    SecretText content(comment.size() + public_key_.size() + key.view().size() + 2);
    content.append(comment);
    content.append(public_key_);
    content.append("\n");
    content.append(key.view());
    content.append("\n");
    create_secret_file(path, "writer key file", content);
}

SecretText WriterKey::text() const {
    return bech32_encode(secret_prefix, seed_.bytes());
}

std::array<std::byte, 64> WriterKey::sign(Bytes message) const {
    static_assert(crypto_sign_BYTES == 64);
    const KeyPair pair(seed_);
    std::array<std::byte, 64> signature{};
    crypto_sign_detached(writable_octets(signature), nullptr, octets(message), message.size(),
                         octets(pair.secret_half.bytes()));
    return signature;
}

bool is_writer_public_key(std::string_view text) {
    std::array<std::byte, 32> key{};
    return bech32_decode(text, public_prefix, key);
}

bool verify_signature(std::string_view public_key, Bytes message, Bytes signature) {
    require_sodium();
    std::array<std::byte, 32> key{};
    return signature.size() == crypto_sign_BYTES && bech32_decode(public_key, public_prefix, key) &&
           crypto_sign_verify_detached(octets(signature), octets(message), message.size(), octets(key)) == 0;
}

}  // namespace walferry
