#include "common/codec/age/age_keys.hpp"
#include "common/codec/signing.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

const std::string& good_key() {
    static const std::string text = [] {
        require_sodium();
        return std::string(WriterKey::generate().text().view());
    }();
    return text;
}

void check_writer_key(const MemoryFile& file, std::string_view text) {
    const std::string error = error_of([&] {
        const WriterKey key = WriterKey::load(file.path());
        must(text.find(key.text().view()) != std::string_view::npos, "a key stands in its file as it is");
        must(is_writer_public_key(key.public_key()), "a key has a public half that can be named");
        must(verify_signature(key.public_key(), as_bytes("message"), key.sign(as_bytes("message"))),
             "what a key signs is its own");
    });
    must(error.empty() || error.starts_with("cannot use the writer key file " + file.path()),
         "a message names the file");
    must(error.find(good_key().substr(20, 20)) == std::string::npos && error.size() < 500,
         "no message shows anything of a key file");
}

}  // namespace

/// First byte: the file's mode; \1 in the rest stands for a good key.
void check(Bytes input) {
    Choices choices(input);
    const auto mode = static_cast<unsigned>(choices.byte() % 64);
    std::string text;
    for (const char c : choices.text()) text += c == '\1' ? good_key() : std::string(1, c);
    const MemoryFile file(as_bytes(text), 0600 | mode);

    const std::string error = error_of(
        [&] { must(read_secret_file(file.path(), "secret").view() == text, "a secret is read whole"); });
    must(error.empty() == ((mode & 7) == 0 && text.size() <= 64 * 1024),
         "a secret is used exactly if it is small and nobody else may use it");
    check_writer_key(file, text);
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    return {"\0# walferry writer key\n# public key: x\n\1\n"s,
            "\0\1\n\1\n"s,
            "\0\1\r\n"s,
            "\x20\1"s,
            "\4\1\n"s,
            "\0WALFERRY-WRITER-KEY-1QQQ\n"s,
            "\0"s};
}

}  // namespace walferry::fuzz
