#include "common/codec/age/bech32.hpp"

#include <algorithm>
#include <array>

#include "common/codec/signing.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

constexpr std::array<std::string_view, 5> prefixes{"age", "AGE-SECRET-KEY-", "walferry-writer",
                                                   "WALFERRY-WRITER-KEY-", ""};

/// What a text decodes to is written as that text again; what does not decode leaves nothing behind.
void check_text(std::string_view text, std::string_view prefix, std::size_t size) {
    std::vector<std::byte> data(size, std::byte{0x55});
    if (bech32_decode(text, prefix, data)) {
        must(bech32_encode(prefix, data).view() == text, "there is one text for one key");
    } else {
        must(std::all_of(data.begin(), data.end(), [](std::byte b) { return b == std::byte{}; }),
             "nothing of a refused key stays in memory");
    }
}

void check_key(Bytes key, std::string_view prefix, Choices changes) {
    const SecretText encoded = bech32_encode(prefix, key);
    std::string text(encoded.view());
    std::vector<std::byte> data(key.size());
    must(bech32_decode(text, prefix, data) && std::equal(data.begin(), data.end(), key.begin(), key.end()),
         "a key comes back out of its text");

    char& changed = text[changes.byte() % text.size()];
    const char before = changed;
    changed = static_cast<char>(changes.byte());
    must(changed == before || !bech32_decode(text, prefix, data),
         "no text with one wrong character is taken");
}

}  // namespace

void check(Bytes input) {
    Choices choices(input);
    const bool from_key = choices.byte() % 2 == 1;
    const std::string_view prefix = prefixes.at(choices.byte() % prefixes.size());
    const std::size_t size = choices.byte() % 70;
    if (from_key) {
        const Bytes key = choices.take(size);
        check_key(key, prefix, choices);
    } else {
        check_text(choices.text(), prefix, size);
        must(is_writer_public_key(choices.text()) ==
                 error_of([&] {
                     std::array<std::byte, 32> key{};
                     if (!bech32_decode(choices.text(), "walferry-writer", key))
                         throw Error(ErrorKind::config, "no key");
                 }).empty(),
             "a writer's public key is 32 bytes in Bech32");
    }
}

std::vector<std::string> seeds() {
    std::vector<std::string> all;
    const std::string key = "0123456789abcdef0123456789ABCDEF";
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        const std::string start = std::string(1, static_cast<char>(i)) + ' ';
        all.push_back('\0' + start + std::string(bech32_encode(prefixes[i], as_bytes(key)).view()));
        all.push_back('\1' + start + key + "\20q");
    }
    return all;
}

}  // namespace walferry::fuzz
