#include "common/codec/age/age_x25519.hpp"

#include <sodium.h>

#include <algorithm>

#include "common/codec/age/age.hpp"
#include "common/codec/age/base64.hpp"
#include "common/codec/age/hkdf.hpp"
#include "common/codec/age/octets.hpp"

namespace walferry {
namespace {

constexpr std::size_t key_size = crypto_scalarmult_BYTES;
constexpr std::size_t file_key_size = 16;
constexpr std::size_t body_size = file_key_size + crypto_aead_chacha20poly1305_ietf_ABYTES;
// A wrapping key encrypts one message, ever, so the format leaves the nonce at zero.
constexpr std::array<unsigned char, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> zero_nonce{};

/// False when the shared secret is all zero: the point was of low order.
bool wrapping_key(Bytes scalar, Bytes point, Bytes share, Bytes recipient, Wiped<32>& key) {
    Wiped<key_size> shared;
    if (crypto_scalarmult(writable_octets(shared.fill()), octets(scalar), octets(point)) != 0) return false;
    std::array<std::byte, 2 * key_size> salt{};
    std::copy(share.begin(), share.end(), salt.begin());
    std::copy(recipient.begin(), recipient.end(), salt.begin() + key_size);
    hkdf_sha256(shared.bytes(), salt, "age-encryption.org/v1/X25519", key.fill());
    return true;
}

[[noreturn]] void malformed(const std::string& why) {
    throw AgeError(AgeFailure::header, "malformed X25519 recipient in the age header: " + why);
}

}  // namespace

AgeStanza wrap_x25519(const AgeRecipient& recipient, Bytes file_key) {
    Wiped<key_size> ephemeral;
    randombytes_buf(ephemeral.fill().data(), key_size);
    std::array<std::byte, key_size> share{};
    Wiped<32> key;
    if (crypto_scalarmult_base(writable_octets(share), octets(ephemeral.bytes())) != 0 ||
        !wrapping_key(ephemeral.bytes(), recipient.public_key(), share, recipient.public_key(), key)) {
        throw Error(ErrorKind::config,
                    "cannot encrypt to " + recipient.text() + ": it is not a usable X25519 key",
                    "remove it; no identity belongs to it");
    }

    AgeStanza stanza{{std::string(x25519_type), base64_encode(share)}, std::vector<std::byte>(body_size)};
    crypto_aead_chacha20poly1305_ietf_encrypt(writable_octets(stanza.body), nullptr, octets(file_key),
                                              file_key.size(), nullptr, 0, nullptr, zero_nonce.data(),
                                              octets(key.bytes()));
    return stanza;
}

bool unwrap_x25519(const AgeStanza& stanza, const AgeIdentity& identity, std::span<std::byte, 16> file_key) {
    if (stanza.arguments.size() != 2) malformed("one argument is expected");
    const auto share = base64_decode(stanza.arguments[1]);
    if (!share || share->size() != key_size) malformed("its share is not 32 bytes in base64");
    // Checked before decrypting: a longer body could be made to open under more than one key.
    if (stanza.body.size() != body_size) malformed("its file key is not 16 bytes");

    Wiped<32> key;
    if (!wrapping_key(identity.secret().bytes(), *share, *share, identity.recipient().public_key(), key)) {
        malformed("its share is a point of low order");
    }
    return crypto_aead_chacha20poly1305_ietf_decrypt(writable_octets(file_key), nullptr, nullptr,
                                                     octets(stanza.body), stanza.body.size(), nullptr, 0,
                                                     zero_nonce.data(), octets(key.bytes())) == 0;
}

}  // namespace walferry
