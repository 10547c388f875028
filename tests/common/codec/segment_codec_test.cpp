#include "common/codec/segment_codec.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"

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

TEST_CASE("a segment comes back out of its object as it was") {
    const Fixture keys;
    for (const std::size_t size : {0, 1, 65535, 65536, 65537, 3'000'000}) {
        const std::string content = noise(size);
        CHECK(keys.open(keys.object(content)) == content);
    }
    const std::string zeros(16 * 1024 * 1024, '\0');
    CHECK(keys.open(keys.object(zeros)) == zeros);
}
