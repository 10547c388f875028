#include "common/codec/digest.hpp"

#include <openssl/evp.h>

#include "common/error.hpp"

namespace walferry {
namespace {

void check(int ok) {
    if (ok != 1) throw Error(ErrorKind::internal, "OpenSSL cannot compute a hash");
}

}  // namespace

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    check(state_->context != nullptr ? 1 : 0);
    check(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::update(Bytes bytes) {
    check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
}

std::array<std::byte, 32> Sha256::finish() {
    std::array<std::byte, 32> digest{};
    check(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()), nullptr));
    restart();
    return digest;
}

void Sha256::restart() {
    // Without a type the context keeps the one it has.
    check(EVP_DigestInit_ex(state_->context, nullptr, nullptr));
}

}  // namespace walferry
