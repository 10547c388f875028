#include "common/codec/age/age_stream.hpp"
#include "common/codec/age/secret_key.hpp"

#include <sodium.h>

#include <array>

#include "common/codec/age/hkdf.hpp"
#include "common/codec/age/octets.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

constexpr std::size_t sealed_chunk = age_chunk + age_tag;
constexpr std::array<std::byte, 16> file_key{std::byte{1}, std::byte{2}};
constexpr std::array<std::byte, 16> nonce{std::byte{3}};

std::string pattern(std::size_t size, std::size_t from) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 31 >> 5) + from);
    return text;
}

std::string sealed(std::string_view plain, Bytes splits) {
    Collector collector;
    AgePayloadWriter writer(file_key, nonce, collector);
    feed(writer, as_bytes(plain), splits);
    return collector.text();
}

/// What damage an attacker does to a stream without knowing its key.
std::string damaged(std::string text, Choices& choices) {
    const std::size_t kind = choices.byte() % 6;
    const std::size_t at = choices.number(3) % (text.size() + 1);
    const std::size_t chunk = at / sealed_chunk * sealed_chunk;
    switch (kind) {
        case 0:
            text.resize(at);
            break;
        case 1:
            if (at < text.size()) text[at] = static_cast<char>(text[at] ^ static_cast<char>(choices.byte()));
            break;
        case 2:
            text.insert(at, as_text(choices.take(24)));
            break;
        case 3:
            text.erase(chunk, sealed_chunk);
            break;
        case 4:
            text.insert(chunk, text.substr(chunk, sealed_chunk));
            break;
        default:
            text += text.substr(chunk, sealed_chunk);
    }
    return text;
}

/// A stream of the chosen size is read back in pieces; then it is damaged, and read again.
void check_sealed(Choices choices) {
    const Bytes splits = choices.take(choices.byte() % 16);
    const std::string plain = pattern(choices.number(3) % (3 * age_chunk + 2), splits.size());
    const std::string good = sealed(plain, splits);
    must(good == sealed(plain, {}), "what is written does not depend on the pieces it came in");
    const std::string read = damaged(good, choices);

    Collector collector;
    AgePayloadReader reader(file_key, nonce, collector);
    const std::string error = error_of([&] { feed(reader, as_bytes(read), splits); });
    must(collector.finished() == error.empty(), "the next stage is finished exactly if nothing was wrong");
    must(plain.compare(0, collector.text().size(), collector.text()) == 0,
         "nothing is released but the beginning of what was sealed");
    must(error.empty() == (read == good), "a stream is accepted exactly if nobody changed it");
    must(!error.empty() || collector.text() == plain, "an accepted stream is whole");
}

/// One chunk, sealed by somebody who has the key and need not follow the rules.
std::string chunk(std::string_view plain, AgeChunkNonce& number, bool last) {
    Wiped<32> key;
    hkdf_sha256(file_key, nonce, "payload", key.fill());
    std::string out(plain.size() + age_tag, '\0');
    crypto_aead_chacha20poly1305_ietf_encrypt(writable_octets(std::as_writable_bytes(std::span(out))),
                                              nullptr, octets(as_bytes(plain)), plain.size(), nullptr, 0,
                                              nullptr, number.bytes(last).data(), octets(key.bytes()));
    number.advance();
    return out;
}

/// Only one way to cut a text into chunks is accepted, even from those who have the key.
void check_cut(Choices choices) {
    const Bytes splits = choices.take(choices.byte() % 16);
    const std::size_t count = 1 + choices.byte() % 3;
    AgeChunkNonce number;
    std::string plain, stream;
    bool canonical = true;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t kind = choices.byte();
        const bool last = (kind & 1) != 0;
        const std::size_t size = kind / 2 % 3 == 0 ? age_chunk : kind / 2 % 3 == 1 ? 0 : choices.number(2);
        const std::string piece = pattern(size, i);
        stream += chunk(piece, number, last);
        plain += piece;
        const bool final = i + 1 == count;
        canonical = canonical && last == final && (final ? size > 0 || count == 1 : size == age_chunk);
    }
    Collector collector;
    AgePayloadReader reader(file_key, nonce, collector);
    const std::string error = error_of([&] { feed(reader, as_bytes(stream), splits); });
    must(error.empty() == canonical, "there is one stream for one text");
    must(!error.empty() || collector.text() == plain, "an accepted stream is whole");
}

/// Bytes that nobody sealed with this key.
void check_raw(Choices choices) {
    const Bytes splits = choices.take(choices.byte() % 16);
    Collector collector;
    AgePayloadReader reader(file_key, nonce, collector);
    const std::string error = error_of([&] { feed(reader, choices.rest(), splits); });
    must(!error.empty() && collector.text().empty(), "no byte gets past authentication");
}

}  // namespace

void check(Bytes input) {
    Choices choices(input);
    switch (choices.byte() % 4) {
        case 0:
            return check_raw(choices);
        case 1:
            return check_cut(choices);
        default:
            check_sealed(choices);
    }
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    std::vector<std::string> all{"\0\2\5\xf0not sealed at all, and too short or long enough"s};
    // Sizes round a chunk's end, with each kind of damage.
    for (const std::string& size :
         {"\0\0\0"s, "\0\0\1"s, "\0\xff\xff"s, "\1\0\0"s, "\1\0\1"s, "\2\0\0"s, "\3\0\0"s}) {
        for (char kind = 0; kind < 6; ++kind)
            all.push_back("\2\3\7\xe8\xff"s + size + kind + "\1\0\x10\x55"s);
    }
    // Pieces: full, full, last and empty; full, last and full; one that is empty; short ones.
    for (const std::string& cut : {"\2\0\0\3"s, "\1\0\1"s, "\0\3"s, "\1\4\1\1\5\0\7"s, "\1\0\5\1\0"s}) {
        all.push_back("\1\2\x20\xf0"s + cut);
    }
    return all;
}

}  // namespace walferry::fuzz
