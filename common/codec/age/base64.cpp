#include "common/codec/age/base64.hpp"

#include "common/codec/age/octets.hpp"

#include <sodium.h>

namespace walferry {

std::string base64_encode(Bytes bytes) {
    constexpr int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), octets(bytes), bytes.size(), variant);
    text.pop_back();  // libsodium counts the terminator in
    return text;
}

std::optional<std::vector<std::byte>> base64_decode(std::string_view text) {
    std::vector<std::byte> bytes(text.size() / 4 * 3 + 2);
    std::size_t size = 0;
    const char* end = nullptr;
    const int failed = sodium_base642bin(writable_octets(bytes), bytes.size(), text.data(), text.size(),
                                         nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (failed != 0 || end != text.data() + text.size()) return std::nullopt;
    bytes.resize(size);
    // libsodium 1.0.18 reads every byte above 0x7f as a slash.
    if (base64_encode(bytes) != text) return std::nullopt;
    return bytes;
}

}  // namespace walferry
