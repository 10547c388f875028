#include "common/codec/age/secret_key.hpp"

#include <sodium.h>

#include <new>

#include "common/error.hpp"

namespace walferry {

void require_sodium() {
    static const bool ready = sodium_init() >= 0;
    if (!ready) throw Error(ErrorKind::internal, "cannot start libsodium: no source of randomness");
}

void SecretKey::Free::operator()(std::byte* data) const noexcept {
    sodium_free(data);
}

SecretKey::SecretKey() {
    require_sodium();
    data_.reset(static_cast<std::byte*>(sodium_malloc(size)));
    if (!data_) throw std::bad_alloc();
    wipe(fill());
}

void wipe(MutableBytes bytes) noexcept {
    sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace walferry
