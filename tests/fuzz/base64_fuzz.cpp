#include "common/codec/age/base64.hpp"

#include <algorithm>

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {

void check(Bytes input) {
    if (const auto bytes = base64_decode(as_text(input))) {
        must(base64_encode(*bytes) == as_text(input), "there is one text for the same bytes");
    }
    const std::string text = base64_encode(input);
    must(text.size() == (input.size() * 4 + 2) / 3, "the text is as long as its bytes make it");
    const auto back = base64_decode(text);
    must(back && std::equal(back->begin(), back->end(), input.begin(), input.end()),
         "bytes come back out of their text");
}

std::vector<std::string> seeds() {
    return {"", "AA", "AB", "AAA", "AAAA", "AAAA=", "QUJDREVG", "+/+/", "-_-_", "QUJD\nREVG", "\xff\xff"};
}

}  // namespace walferry::fuzz
