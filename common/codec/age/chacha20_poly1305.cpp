#include "common/codec/age/chacha20_poly1305.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "common/codec/age/octets.hpp"
#include "common/codec/age/secret_key.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

void check(int ok) {
    if (ok != 1) throw Error(ErrorKind::internal, "OpenSSL's ChaCha20-Poly1305 does not work");
}

int length(Bytes bytes) {
    return static_cast<int>(bytes.size());
}

}  // namespace

struct ChaCha20Poly1305::Context {
    EVP_CIPHER_CTX* evp = EVP_CIPHER_CTX_new();
    ~Context() { EVP_CIPHER_CTX_free(evp); }  // wipes the key schedule
};

ChaCha20Poly1305::ChaCha20Poly1305(Use use, std::span<const std::byte, key_size> key)
    : context_(std::make_unique<Context>()) {
    check(context_->evp != nullptr ? 1 : 0);
    check(EVP_CipherInit_ex(context_->evp, EVP_chacha20_poly1305(), nullptr, octets(key), nullptr,
                            use == Use::seal ? 1 : 0));
}

ChaCha20Poly1305::~ChaCha20Poly1305() = default;

void ChaCha20Poly1305::seal(Nonce nonce, Bytes plain, MutableBytes sealed) {
    EVP_CIPHER_CTX* evp = context_->evp;
    int done = 0;
    check(EVP_EncryptInit_ex(evp, nullptr, nullptr, nullptr, nonce.data()));
    if (!plain.empty()) {
        check(EVP_EncryptUpdate(evp, writable_octets(sealed), &done, octets(plain), length(plain)));
    }
    std::array<unsigned char, tag_size> rest{};  // a stream cipher keeps nothing back
    check(EVP_EncryptFinal_ex(evp, rest.data(), &done));
    check(EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, tag_size,
                              writable_octets(sealed.subspan(plain.size(), tag_size))));
}

bool ChaCha20Poly1305::open(Nonce nonce, Bytes sealed, MutableBytes plain) {
    EVP_CIPHER_CTX* evp = context_->evp;
    const Bytes body = sealed.first(sealed.size() - tag_size);
    std::array<std::byte, tag_size> tag{};
    std::copy_n(sealed.end() - tag_size, tag_size, tag.begin());
    int done = 0;
    check(EVP_DecryptInit_ex(evp, nullptr, nullptr, nullptr, nonce.data()));
    check(EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()));
    if (!body.empty()) {
        check(EVP_DecryptUpdate(evp, writable_octets(plain), &done, octets(body), length(body)));
    }
    std::array<unsigned char, tag_size> rest{};
    if (EVP_DecryptFinal_ex(evp, rest.data(), &done) == 1) return true;
    wipe(plain.first(body.size()));
    return false;
}

}  // namespace walferry
