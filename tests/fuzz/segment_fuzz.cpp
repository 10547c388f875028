#include <algorithm>

#include "common/codec/age/age.hpp"
#include "common/codec/segment_codec.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

/// Who writes objects, and what a restoring host demands.
struct World {
    EncodeOptions plain, encrypted;
    DecodeOptions any_plain, any_encrypted, trusting;

    World() {
        require_sodium();
        any_encrypted.identities.push_back(AgeIdentity::generate());
        trusting.identities.push_back(AgeIdentity::parse(any_encrypted.identities[0].text().view()));
        encrypted.recipients.push_back(any_encrypted.identities[0].recipient());
        encrypted.writer = std::make_shared<WriterKey>(WriterKey::generate());
        plain.writer = encrypted.writer;
        trusting.trusted_writers = {encrypted.writer->public_key()};
    }
};

const World& world() {
    static const World one;
    return one;
}

std::string encode(const EncodeOptions& options, std::string_view content) {
    Collector object;
    SegmentEncoder encoder(options);
    encoder.encode(test::reader_of(std::string(content)), test::envelope_for(content), object);
    return object.text();
}

/// An attacker who knows the recipients, but no writer's key.
std::string sealed(std::string_view inside) {
    Collector object;
    AgeEncryptor age(world().encrypted.recipients, object);
    feed(age, as_bytes(inside), {});
    return object.text();
}

bool decode(const DecodeOptions& options, std::string_view object, Bytes splits, std::string& segment) {
    Collector collector;
    SegmentDecoder decoder(options, collector);
    const std::string error = error_of([&] { feed(decoder, as_bytes(object), splits); });
    must(collector.finished() == error.empty(), "a segment is finished exactly if everything was right");
    if (!error.empty()) return false;
    segment = collector.text();
    must(segment.size() == decoder.envelope().size, "a segment is as long as its envelope says");
    must(test::fingerprint_of(segment) == decoder.envelope().fingerprint,
         "a segment has its envelope's fingerprint");
    return true;
}

void flip(std::string& object, Choices& choices) {
    const std::size_t at = choices.number(3) % object.size();
    object[at] = static_cast<char>(object[at] ^ static_cast<char>(choices.byte() | 1));
}

/// A right object comes back; with a byte changed it is refused.
void check_honest(Choices choices, Bytes splits, bool encrypt) {
    const EncodeOptions& options = encrypt ? world().encrypted : world().plain;
    DecodeOptions only_trusted;
    only_trusted.trusted_writers = world().trusting.trusted_writers;
    const DecodeOptions& decoding = encrypt ? world().trusting : only_trusted;
    Choices damage(choices.take(4));
    std::string object = encode(options, choices.text());
    std::string segment;
    must(decode(decoding, object, splits, segment) && segment == choices.text(),
         "a segment comes back as it was");
    flip(object, damage);
    must(!decode(decoding, object, splits, segment) || segment == choices.text(),
         "no object can be changed into another segment");
    if (encrypt) must(!decode(decoding, object, splits, segment), "a changed object is refused");
}

/// The object with an envelope that says something else.
std::string lying(std::string object, const std::string& truth, const std::string& lie) {
    const std::size_t at = object.find(truth);
    must(at != std::string::npos && truth.size() == lie.size(), "an envelope is JSON that can be read");
    return object.replace(at, truth.size(), lie);
}

}  // namespace

void check(Bytes input) {
    Choices choices(input);
    const std::size_t kind = choices.byte() % 4;
    const Bytes splits = choices.take(choices.byte() % 16);
    std::string segment;
    switch (kind) {
        case 0:
            decode(world().any_plain, choices.text(), splits, segment);
            break;
        case 1: {
            const std::string object = sealed(choices.text());
            decode(world().any_encrypted, object, splits, segment);
            must(!decode(world().trusting, object, splits, segment) || segment == "content",
                 "nobody but a trusted writer makes a segment that is restored");
            break;
        }
        default:
            check_honest(choices, splits, kind == 2);
    }
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    const std::string honest = encode(world().plain, "content");
    EncodeOptions unsigned_options;
    const std::string no_signature = encode(unsigned_options, std::string(3000, 'x'));
    const std::string fingerprint = test::envelope_for(std::string(3000, 'x')).fingerprint;
    return {"\0\0"s + lying(no_signature, "\"size\":3000", "\"size\":3001"),
            "\0\0"s + lying(no_signature, fingerprint, std::string(32, '0')),
            "\0\0"s + honest,
            "\0\3\1\1\xf0"s + honest,
            "\0\0"s + no_signature,
            "\1\0"s + honest,
            "\1\0"s + no_signature,
            "\2\2\7\xf0\0\0\1\1some content"s,
            "\3\0\0\0\x30\1other"s,
            "\2\0\0\1\0\x80"s};
}

}  // namespace walferry::fuzz
