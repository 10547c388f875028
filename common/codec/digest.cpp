#include "common/codec/digest.hpp"

#include <openssl/evp.h>

#include "common/error.hpp"

namespace walferry {
namespace {

void check(int ok) {
    if (ok != 1) throw Error(ErrorKind::internal, "OpenSSL cannot compute a hash");
}

}  // namespace

template <std::size_t Size>
struct Digest<Size>::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

template <std::size_t Size>
Digest<Size>::Digest() : state_(std::make_unique<State>()) {
    check(state_->context != nullptr ? 1 : 0);
    check(EVP_DigestInit_ex(state_->context, Size == 32 ? EVP_sha256() : EVP_md5(), nullptr));
}

template <std::size_t Size>
Digest<Size>::~Digest() = default;

template <std::size_t Size>
void Digest<Size>::update(Bytes bytes) {
    check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
}

template <std::size_t Size>
std::array<std::byte, Size> Digest<Size>::finish() {
    std::array<std::byte, Size> digest{};
    check(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()), nullptr));
    restart();
    return digest;
}

template <std::size_t Size>
void Digest<Size>::restart() {
    // Without a type the context keeps the one it has.
    check(EVP_DigestInit_ex(state_->context, nullptr, nullptr));
}

template class Digest<32>;
template class Digest<16>;

}  // namespace walferry
