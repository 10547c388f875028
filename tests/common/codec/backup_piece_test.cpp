#include "common/codec/backup_piece.hpp"

#include "common/error.hpp"
#include "tests/backup_part.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

struct Encoded {
    std::string object;
    ExpectedPart expected;
};

const AgeIdentity& identity() {
    static const AgeIdentity key = AgeIdentity::generate();
    return key;
}

Encoded encode(const std::string& content, const BackupPart& part) {
    EncodeOptions options;
    options.recipients = {identity().recipient()};
    SegmentEncoder encoder(options);
    StringSink object;
    const BackupOrigin origin{7301234567890123456, {"20261124T121314Z-1a2b3c4d"}, 15, 16 << 20};
    const EncodeResult result =
        encode_backup_part(encoder, origin, part, as_bytes(content), wall_now(), object);
    CHECK(object.finished);
    return {object.text,
            {origin.system_identifier, origin.id, part, fingerprint_of(content), hex(result.sha256)}};
}

/// What comes out; nothing where it was refused.
std::optional<std::string> decode(const std::string& object, const ExpectedPart& expected) {
    DecodeOptions options;
    options.identities.push_back(AgeIdentity::parse(identity().text().view()));
    StringSink content;
    try {
        BackupPartDecoder decoder(options, expected, content);
        feed(decoder, object);
        CHECK(content.finished);
        CHECK(decoder.envelope().name == "backup/20261124T121314Z-1a2b3c4d/" + expected.part.text());
        return content.text;
    } catch (const Error& error) {
        // A damaged stanza looks like one for somebody else.
        CHECK((error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::config));
        CHECK_FALSE(content.finished);
        return std::nullopt;
    }
}

}  // namespace

TEST_CASE("a piece of a backup comes back, and so does its label") {
    const std::string content = noise(700'000);
    for (const BackupPart& part : {BackupPart{"base", 3}, BackupPart{"16384", 0}, BackupPart::label()}) {
        const Encoded piece = encode(content, part);
        CHECK(decode(piece.object, piece.expected) == content);
        ExpectedPart by_key = piece.expected;
        by_key.sha256.resize(32);
        CHECK(decode(piece.object, by_key) == content);
    }
}

TEST_CASE("a piece in another's place is refused") {
    const Encoded piece = encode("content", BackupPart{"base", 3});
    const auto refused = [&](auto change) {
        ExpectedPart expected = piece.expected;
        change(expected);
        return !decode(piece.object, expected);
    };
    CHECK_FALSE(refused([](ExpectedPart&) {}));
    CHECK(refused([](ExpectedPart& e) { e.part.number = 2; }));
    CHECK(refused([](ExpectedPart& e) { e.part.stream = "16384"; }));
    CHECK(refused([](ExpectedPart& e) { e.id.text = "20261124T121314Z-1a2b3c4e"; }));
    CHECK(refused([](ExpectedPart& e) { e.system_identifier += 1; }));
    CHECK(refused([](ExpectedPart& e) { e.fingerprint.back() ^= 1; }));
    CHECK(refused([](ExpectedPart& e) { e.sha256.back() ^= 1; }));
    CHECK(refused([](ExpectedPart& e) { e.sha256.clear(); }));
}

TEST_CASE("a piece damaged anywhere, or cut short, is refused") {
    const Encoded piece = encode("content", BackupPart{"base", 0});
    for (std::size_t at = 0; at < piece.object.size(); at += 7) {
        std::string damaged = piece.object;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        INFO(at);
        CHECK_FALSE(decode(damaged, piece.expected));
        CHECK_FALSE(decode(piece.object.substr(0, at), piece.expected));
    }
}
