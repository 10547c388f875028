#include "common/codec/segment_codec.hpp"

#include <utility>

#include "common/codec/envelope_tail.hpp"

#include "common/error.hpp"
#include "common/wal/fingerprint.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/shell.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

struct Fixture {
    DecodeOptions decode;
    EncodeOptions encode;

    Fixture() {
        decode.identities.push_back(AgeIdentity::generate());
        encode.recipients.push_back(decode.identities.front().recipient());
        encode.writer = std::make_shared<WriterKey>(WriterKey::generate());
        decode.trusted_writers = {encode.writer->public_key()};
    }

    std::string object(const std::string& content, EncodeResult* result = nullptr) const {
        StringSink sink;
        const EncodeResult made =
            SegmentEncoder(encode).encode(reader_of(content), envelope_for(content), sink);
        REQUIRE(sink.finished);
        if (result != nullptr) *result = made;
        return sink.text;
    }

    std::string open(const std::string& object, std::size_t step = 100'000) const {
        StringSink sink;
        SegmentDecoder decoder(decode, sink);
        feed(decoder, object, step);
        REQUIRE(sink.finished);
        return sink.text;
    }

    ErrorKind failure(const std::string& object) const {
        StringSink sink;
        try {
            SegmentDecoder decoder(decode, sink);
            feed(decoder, object);
        } catch (const Error& error) {
            CHECK_FALSE(sink.finished);
            return error.kind();
        }
        FAIL("the object was accepted");
        return ErrorKind::internal;
    }
};

}  // namespace

TEST_CASE("two hashes of an object are taken while it is encoded, by different code") {
    const Fixture keys;
    EncodeResult result;
    const std::string object = keys.object(std::string(500'000, 'x'), &result);
    Fingerprint checksum;
    checksum.update(as_bytes(object));
    CHECK(result.checksum == checksum.digits());
    CHECK(result.size == object.size());
}

TEST_CASE("a segment comes back out of its object as it was") {
    const Fixture keys;
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 65535, 65536, 65537, 3'000'000}) {
        const std::string content = noise(size);
        CHECK(keys.open(keys.object(content)) == content);
    }
    const std::string zeros(16 * 1024 * 1024, '\0');
    CHECK(keys.open(keys.object(zeros)) == zeros);
}

TEST_CASE("stock age and zstd open an object by hand") {
    const TempDir directory;
    const Fixture keys;
    const std::string content = noise(700'000) + std::string(300'000, '\0');
    EncodeResult result;
    const std::string object = directory.write("object", keys.object(content, &result));
    const std::string key = directory.write("key", std::string(keys.decode.identities[0].text().view()));
    REQUIRE(shell("age -d -i " + key + " " + object + " | zstd -q -d > " + (directory / "segment")) == 0);
    CHECK(read_file(directory / "segment") == content);

    CHECK(shell("echo '" + hex(result.sha256) + "  " + object + "' | sha256sum -c --status") == 0);
    CHECK(result.size == read_file(object).size());
    CHECK(result.fingerprint == fingerprint_of(content));
}

TEST_CASE("an object tells where it comes from and who signed it") {
    const Fixture keys;
    StringSink sink;
    SegmentDecoder decoder(keys.decode, sink);
    feed(decoder, keys.object("segment"));
    const Envelope& envelope = decoder.envelope();
    CHECK(envelope.name == "000000010000000000000042");
    CHECK(envelope.system_identifier == 7301234567890123456);
    CHECK(envelope.spooled_at == "2026-01-31T09:05:07.123Z");
    CHECK(envelope.writer == keys.encode.writer->public_key());
}

TEST_CASE("an envelope is read from an object's two ends") {
    Fixture keys;
    std::uint64_t asked = 0;
    for (const bool encrypted : {true, false}) {
        if (!encrypted) {
            keys.encode.recipients.clear();
            keys.decode.identities.clear();
        }
        for (const std::size_t size : {1UL, 60'000UL, 65'000UL, 66'000UL, 131'000UL, 3'000'000UL}) {
            const std::string object = keys.object(noise(size));
            const auto part = [&](std::uint64_t offset, std::uint64_t length) {
                asked = std::max(asked, length);
                const Bytes bytes = as_bytes(std::string_view(object).substr(offset, length));
                return std::vector<std::byte>(bytes.begin(), bytes.end());
            };
            const auto envelope = read_envelope(object.size(), keys.decode, part);
            REQUIRE(envelope);
            StringSink sink;
            SegmentDecoder decoder(keys.decode, sink);
            feed(decoder, object);
            CHECK(*envelope == decoder.envelope());
            const std::vector<std::string> writers =
                std::exchange(keys.decode.trusted_writers, std::vector{WriterKey::generate().public_key()});
            CHECK_THROWS_AS(read_envelope(object.size(), keys.decode, part), Error);
            keys.decode.trusted_writers = writers;
            std::string damaged = object;
            damaged[damaged.size() - 20] ^= 1;
            const auto of_damaged = [&](std::uint64_t offset, std::uint64_t length) {
                const Bytes bytes = as_bytes(std::string_view(damaged).substr(offset, length));
                return std::vector<std::byte>(bytes.begin(), bytes.end());
            };
            CHECK_THROWS_AS(read_envelope(object.size(), keys.decode, of_damaged), Error);
        }
    }
    CHECK(asked <= 4 * 65'552);
}

TEST_CASE("no plaintext shows in an encrypted object") {
    const Fixture keys;
    const std::string content = noise(200'000);
    const std::string object = keys.object(content);
    // zstd stores noise as it is, so any part left in the clear would be found.
    for (std::size_t at = 0; at + 8 <= content.size(); at += 8) {
        if (object.find(content.substr(at, 8)) != std::string::npos) FAIL("found the bytes at " << at);
        if (at == 4096) at = content.size() - 4096;
    }
    CHECK(object.find("walferry") == std::string::npos);
    CHECK(object.find("000000010000000000000042") == std::string::npos);
}

TEST_CASE("an object cut at any byte is refused") {
    const Fixture keys;
    const std::string object = keys.object(noise(300));
    for (std::size_t size = 0; size < object.size(); ++size)
        CHECK(keys.failure(object.substr(0, size)) != ErrorKind::internal);
    CHECK(keys.failure(object + "x") == ErrorKind::integrity);
    CHECK(keys.failure(object + object) == ErrorKind::integrity);
}

TEST_CASE("an object with any single bit changed is refused") {
    const auto check_all = [](const Fixture& keys) {
        std::string object = keys.object(noise(60));
        for (std::size_t bit = 0; bit < object.size() * 8; ++bit) {
            const auto mask = static_cast<char>(1 << bit % 8);
            object[bit / 8] = static_cast<char>(object[bit / 8] ^ mask);
            INFO("bit " << bit);
            keys.failure(object);
            object[bit / 8] = static_cast<char>(object[bit / 8] ^ mask);
        }
        CHECK(keys.open(object) == noise(60));
    };
    check_all(Fixture());
    Fixture plain;  // signed, but not encrypted
    plain.encode.recipients.clear();
    plain.decode.identities.clear();
    check_all(plain);
}

TEST_CASE("an unencrypted object is a plain zstd file") {
    const TempDir directory;
    Fixture keys;
    keys.encode.recipients.clear();
    keys.decode.identities.clear();
    const std::string object = keys.object(noise(5000));
    REQUIRE(shell("zstd -q -d -o " + (directory / "segment") + " " + directory.write("object.zst", object)) ==
            0);
    CHECK(read_file(directory / "segment") == noise(5000));
    CHECK(keys.open(object, 1) == noise(5000));
}

TEST_CASE("an object for other recipients needs another key, which is no damage") {
    const Fixture keys;
    const Fixture others;
    CHECK(keys.failure(others.object("segment")) == ErrorKind::config);
}

TEST_CASE("an object forged by somebody who knows the recipient is refused where writers are named") {
    const Fixture keys;
    Fixture forger;
    forger.encode.recipients = keys.encode.recipients;
    CHECK(keys.failure(forger.object("segment")) == ErrorKind::integrity);
    forger.encode.writer = nullptr;
    CHECK(keys.failure(forger.object("segment")) == ErrorKind::integrity);

    Fixture lenient;
    lenient.decode.trusted_writers.clear();
    lenient.encode.writer = nullptr;
    CHECK(lenient.open(lenient.object("segment")) == "segment");
}

TEST_CASE("a genuine envelope behind another segment's data is refused") {
    Fixture keys;
    keys.encode.recipients.clear();
    keys.decode.identities.clear();
    const std::string magic = "\x50\x2a\x4d\x18";
    const std::string one = keys.object("segment");
    const std::string two = keys.object("sigment");
    const std::string swapped = one.substr(0, one.find(magic)) + two.substr(two.find(magic));
    REQUIRE(swapped.size() == one.size());
    CHECK(keys.failure(swapped) == ErrorKind::integrity);
}

TEST_CASE("a segment that is not what the caller says is not encoded") {
    const Fixture keys;
    const std::string content = noise(100'000);
    SegmentEncoder encoder(keys.encode);
    const auto refused = [&](const std::string& read, const Envelope& envelope) {
        StringSink sink;
        try {
            encoder.encode(reader_of(read, 3000), envelope, sink);
            return false;
        } catch (const Error& error) {
            return error.kind() == ErrorKind::integrity && !sink.finished;
        }
    };
    const Envelope envelope = envelope_for(content);
    CHECK(refused(content.substr(1), envelope));
    CHECK(refused(content + "x", envelope));
    CHECK(refused("", envelope));
    CHECK(refused("x" + content.substr(1), envelope));
    Envelope unreadable = envelope;
    unreadable.name = "not a segment";
    CHECK(refused(content, unreadable));

    // None of this spoils the encoder.
    StringSink sink;
    encoder.encode(reader_of(content, 3000), envelope, sink);
    CHECK(keys.open(sink.text) == content);
}

TEST_CASE("an error of the reader or of the sink passes through and leaves the encoder usable") {
    const Fixture keys;
    SegmentEncoder encoder(keys.encode);
    const std::string content = noise(300'000);
    const auto broken_disk = [](MutableBytes) -> std::size_t { throw Error(ErrorKind::io, "broken"); };
    StringSink sink;
    CHECK_THROWS_AS(encoder.encode(broken_disk, envelope_for(content), sink), Error);

    struct FullSink : Sink {
        void write(Bytes) override { throw Error(ErrorKind::no_space, "full"); }
        void finish() override {}
    } full;
    CHECK_THROWS_AS(encoder.encode(reader_of(content), envelope_for(content), full), Error);

    StringSink good;
    encoder.encode(reader_of(content), envelope_for(content), good);
    CHECK(keys.open(good.text) == content);
}
