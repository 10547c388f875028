#include "common/codec/age/hkdf.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <string>

#include "common/codec/age/octets.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::size_t mac_size = 32;

struct Free {
    void operator()(EVP_KDF* kdf) const noexcept { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }  // wipes its key
};

OSSL_PARAM octets_param(const char* name, Bytes bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<unsigned char*>(octets(bytes)), bytes.size());
}

}  // namespace

void hmac_sha256(Bytes key, Bytes message, MutableBytes mac) {
    if (mac.size() != mac_size) throw Error(ErrorKind::internal, "an HMAC has 32 bytes");
    if (HMAC(EVP_sha256(), octets(key), static_cast<int>(key.size()), octets(message), message.size(),
             writable_octets(mac), nullptr) == nullptr) {
        throw Error(ErrorKind::internal, "OpenSSL cannot compute HMAC-SHA-256");
    }
}

void hkdf_sha256(Bytes key_material, Bytes salt, std::string_view info, MutableBytes out) {
    const std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    const std::unique_ptr<EVP_KDF_CTX, Free> context(EVP_KDF_CTX_new(kdf.get()));
    std::string digest = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        octets_param(OSSL_KDF_PARAM_KEY, key_material), octets_param(OSSL_KDF_PARAM_SALT, salt),
        octets_param(OSSL_KDF_PARAM_INFO, as_bytes(info)), OSSL_PARAM_construct_end()};
    if (!context || EVP_KDF_derive(context.get(), writable_octets(out), out.size(), parameters) != 1)
        throw Error(ErrorKind::internal, "OpenSSL cannot derive a key with HKDF-SHA-256");
}

}  // namespace walferry
