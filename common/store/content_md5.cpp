#include "common/store/content_md5.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <vector>

#include "common/error.hpp"

namespace walferry {
namespace {

void check(int ok) {
    if (ok != 1) throw Error(ErrorKind::internal, "OpenSSL cannot compute an MD5, which a store asks for");
}

}  // namespace

std::string content_md5(const Body& body) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> md5(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    check(EVP_DigestInit_ex(md5.get(), EVP_md5(), nullptr));
    std::vector<std::byte> buffer(256 * 1024);
    std::uint64_t offset = 0;
    while (const std::size_t n = body.read_at(offset, buffer)) {
        check(EVP_DigestUpdate(md5.get(), buffer.data(), n));
        offset += n;
    }
    std::array<unsigned char, 16> digest{};
    check(EVP_DigestFinal_ex(md5.get(), digest.data(), nullptr));

    std::string text(24 + 1, '\0');  // OpenSSL ends it with a NUL
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), digest.data(), digest.size());
    text.pop_back();
    return text;
}

}  // namespace walferry
