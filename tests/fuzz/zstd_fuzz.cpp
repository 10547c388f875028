#include "common/codec/zstd_reader.hpp"

#include "common/codec/envelope.hpp"
#include "common/codec/zstd_writer.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

/// Does not end, so that more can follow.
struct Through : Sink {
    explicit Through(Sink& to) : next(to) {}
    void write(Bytes bytes) override { next.write(bytes); }
    void finish() override {}
    Sink& next;
};

std::string compressed(std::string_view content, std::string_view envelope,
                       std::uint32_t magic = envelope_magic) {
    Collector collector;
    Through next(collector);
    ZstdWriter writer(1);
    writer.begin(content.size(), next);
    feed(writer, as_bytes(content), {});
    write_skippable_frame(magic, as_bytes(envelope), next);
    return collector.text();
}

struct Outcome {
    std::string text, error, envelope;
    std::array<std::byte, 32> frame_sha256{};
    bool operator==(const Outcome&) const = default;
};

Outcome read(Bytes bytes, Bytes splits) {
    Outcome outcome;
    Collector collector;
    ZstdReader reader(collector);
    outcome.error = error_of([&] { feed(reader, bytes, splits); });
    must(!collector.finished(), "the reader leaves it to others to say that all was right");
    must(reader.envelope().size() <= max_envelope_size, "an envelope has a limit");
    if (!outcome.error.empty()) return outcome;
    outcome.text = collector.text();
    outcome.envelope = reader.envelope();
    outcome.frame_sha256 = reader.frame_sha256();
    must(!outcome.envelope.empty(), "nothing is accepted without an envelope");
    return outcome;
}

}  // namespace

/// First byte: whether the rest is read as it is, or compressed first and followed by skippable frames.
void check(Bytes input) {
    Choices choices(input);
    const std::size_t kind = choices.byte() % 3;
    const Bytes splits = choices.take(choices.byte() % 16);
    std::string text(choices.text());
    if (kind == 1) text = compressed(text, "{}");
    if (kind == 2) {
        const Bytes content = choices.take(choices.byte());
        text = compressed(as_text(content), "{}",
                          envelope_magic ^ static_cast<std::uint32_t>(choices.byte() % 32)) +
               std::string(choices.text());
    }
    const Outcome in_pieces = read(as_bytes(text), splits);
    const Outcome at_once = read(as_bytes(text), {});
    must(in_pieces.error.empty() == at_once.error.empty() && (!at_once.error.empty() || in_pieces == at_once),
         "what compressed data means does not depend on the pieces it comes in");
    if (kind == 1) must(at_once.text == choices.text(), "what was compressed comes back");
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    const std::string frames = compressed(std::string(5000, 'w') + "al", R"({"walferry":1})");
    const std::string strange = compressed("", "x", envelope_magic + 1);
    return {"\0\0"s + frames,
            "\0\4\1\2\3\4"s + frames,
            "\0\0"s + frames.substr(0, frames.size() - 3),
            "\0\0"s + frames + frames,
            "\0\0"s + strange + frames,
            "\0\0"s + strange.substr(strange.size() - 9) + frames,
            "\1\2\7\xe0 something to compress"s,
            "\2\0\3abc\0"s + strange.substr(strange.size() - 9),
            "\2\0\3abc\1"s + strange.substr(strange.size() - 9)};
}

}  // namespace walferry::fuzz
