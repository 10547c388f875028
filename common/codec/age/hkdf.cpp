#include "common/codec/age/hkdf.hpp"

#include <sodium.h>

#include <algorithm>

#include "common/codec/age/octets.hpp"
#include "common/codec/age/secret_key.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

class Hmac {
  public:
    explicit Hmac(Bytes key) { crypto_auth_hmacsha256_init(&state_, octets(key), key.size()); }
    ~Hmac() { sodium_memzero(&state_, sizeof state_); }
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;

    void add(Bytes bytes) { crypto_auth_hmacsha256_update(&state_, octets(bytes), bytes.size()); }
    void finish(std::span<std::byte, crypto_auth_hmacsha256_BYTES> mac) {
        crypto_auth_hmacsha256_final(&state_, writable_octets(mac));
    }

  private:
    crypto_auth_hmacsha256_state state_;
};

}  // namespace

void hmac_sha256(Bytes key, Bytes message, MutableBytes mac) {
    if (mac.size() != crypto_auth_hmacsha256_BYTES) throw Error(ErrorKind::internal, "an HMAC has 32 bytes");
    Hmac hmac(key);
    hmac.add(message);
    hmac.finish(mac.first<crypto_auth_hmacsha256_BYTES>());
}

void hkdf_sha256(Bytes key_material, Bytes salt, std::string_view info, MutableBytes out) {
    Wiped<crypto_auth_hmacsha256_BYTES> pseudorandom_key;
    hmac_sha256(salt, key_material, pseudorandom_key.fill());

    if (out.size() > 255 * crypto_auth_hmacsha256_BYTES)
        throw Error(ErrorKind::internal, "too much asked of HKDF");
    Wiped<crypto_auth_hmacsha256_BYTES> block;
    Bytes previous;
    std::byte counter{1};
    while (!out.empty()) {
        Hmac hmac(pseudorandom_key.bytes());
        hmac.add(previous);
        hmac.add(as_bytes(info));
        hmac.add({&counter, 1});
        hmac.finish(block.fill());
        previous = block.bytes();
        const std::size_t take = std::min(out.size(), block.size());
        std::copy_n(previous.begin(), take, out.begin());
        out = out.subspan(take);
        counter = static_cast<std::byte>(std::to_integer<unsigned>(counter) + 1);
    }
}

}  // namespace walferry
