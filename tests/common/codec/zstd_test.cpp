#include "common/codec/envelope.hpp"
#include "common/codec/zstd_reader.hpp"
#include "common/codec/zstd_writer.hpp"
#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/shell.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

std::string data_frame(const std::string& content) {
    StringSink out;
    ZstdWriter writer(3);
    writer.begin(content.size(), out);
    feed(writer, content);
    return out.text;
}

std::string skippable(std::uint32_t magic, const std::string& content) {
    StringSink out;
    write_skippable_frame(magic, as_bytes(content), out);
    return out.text;
}

std::string envelope(const std::string& content = "{}") {
    return skippable(envelope_magic, content);
}

struct Read {
    std::string content;
    std::string envelope;
};

Read read(const std::string& text, std::size_t step = 1 << 20) {
    StringSink out;
    ZstdReader reader(out);
    feed(reader, text, step);
    return {out.text, reader.envelope()};
}

bool refused(const std::string& text) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{1} << 20}) {
        try {
            read(text, step);
            return false;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::integrity) return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("a frame of data and its envelope come back however they are cut") {
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 255, 256, 70'000, 2'000'000}) {
        for (const std::string& content : {noise(size), std::string(size, '\0')}) {
            const std::string text = data_frame(content) + envelope("{\"walferry\":1}");
            for (const std::size_t step :
                 {size < 100'000 ? std::size_t{1} : std::size_t{333}, std::size_t{1} << 20}) {
                const Read back = read(text, step);
                CHECK(back.content == content);
                CHECK(back.envelope == "{\"walferry\":1}");
            }
        }
    }
}

TEST_CASE("zstd's own tool passes over the envelope and finds size and checksum in the frame") {
    const TempDir directory;
    const std::string content = noise(300'000);
    const std::string file = directory.write("segment.zst", data_frame(content) + envelope("hello"));
    REQUIRE(shell("zstd -q -d -o " + (directory / "segment") + " " + file) == 0);
    CHECK(read_file(directory / "segment") == content);
    CHECK(shell("zstd -lv " + file + " | grep -q 'Check: XXH64'") == 0);
    CHECK(shell("zstd -lv " + file + " | grep -q 'Decompressed Size:.*300000'") == 0);
}

TEST_CASE("a writer can be used again, also after a frame that was given up") {
    ZstdWriter writer(3);
    StringSink dropped;
    writer.begin(1000, dropped);
    writer.write(as_bytes("only this"));
    StringSink out;
    writer.begin(4, out);
    feed(writer, "kept");
    CHECK(read(out.text + envelope()).content == "kept");
}

TEST_CASE("a writer holds the caller to the announced size") {
    ZstdWriter writer(3);
    StringSink out;
    writer.begin(3, out);
    writer.write(as_bytes("ab"));
    CHECK_THROWS_AS(writer.finish(), Error);
    CHECK_THROWS_AS(writer.write(as_bytes("cd")), Error);
}

TEST_CASE("anything but one data frame and then one envelope is refused") {
    const std::string data = data_frame("segment");
    REQUIRE_FALSE(refused(data + envelope()));
    CHECK(refused(""));
    CHECK(refused(data));
    CHECK(refused(envelope()));
    CHECK(refused(envelope() + data));
    CHECK(refused(data + data + envelope()));
    CHECK(refused(data + envelope() + envelope()));
    CHECK(refused(data + envelope() + data));
    CHECK(refused(data + envelope() + "x"));
    CHECK(refused(data + envelope() + std::string(100, '\0')));
    CHECK(refused("x" + data + envelope()));
    CHECK(refused("not zstd at all, but long enough to be"));
}

TEST_CASE("every cut is refused") {
    const std::string text = data_frame(noise(500)) + envelope("{\"a\":1}");
    for (std::size_t size = 0; size < text.size(); ++size) {
        if (!refused(text.substr(0, size))) FAIL("accepted " << size << " bytes");
    }
}

TEST_CASE("skippable frames of other kinds are passed over") {
    const std::string other = skippable(0x184D2A5F, noise(5000));
    const std::string nothing = skippable(0x184D2A51, "");
    const Read back = read(other + nothing + data_frame("segment") + nothing + envelope("{}") + other, 3);
    CHECK(back.content == "segment");
    CHECK(back.envelope == "{}");
}

TEST_CASE("an envelope of 132 KiB is taken, a larger or an empty one is not") {
    const std::string data = data_frame("segment");
    CHECK(read(data + envelope(std::string(max_envelope_size, ' '))).envelope.size() == max_envelope_size);
    CHECK(refused(data + envelope(std::string(max_envelope_size + 1, ' '))));
    CHECK(refused(data + envelope("")));
    // Only claimed: nothing of that size may be waited for.
    StringSink out;
    ZstdReader reader(out);
    CHECK_THROWS_AS(reader.write(as_bytes(data + "\x50\x2a\x4d\x18\xff\xff\xff\xff")), Error);
}

TEST_CASE("absurd windows, unknown and impossible sizes are refused before memory is taken") {
    const std::string magic = "\x28\xb5\x2f\xfd";
    const std::string four_bytes_of_size("\x00\x10\x00\x00", 4);
    const std::string last_empty_block("\x01\x00\x00", 3);
    CHECK(refused(magic + "\x80\xa8" + four_bytes_of_size + last_empty_block + envelope()));  // window 2 GiB
    CHECK(
        refused(magic + "\x80\x90" + four_bytes_of_size + last_empty_block + envelope()));  // window 256 MiB
    CHECK(refused(magic + std::string("\x00\x58", 2) + last_empty_block + envelope()));     // no size
    CHECK(refused(magic + "\xa0" + std::string("\x01\x00\x00\x40", 4)));  // 1 GiB and a byte
    CHECK(refused(magic + "\xe0" + std::string(8, '\xff')));
    CHECK(refused(magic + "\x28\x00" + last_empty_block));  // a reserved bit
}

TEST_CASE("a frame that holds less or more than it says is refused") {
    std::string text = data_frame(noise(500)) + envelope();
    REQUIRE_FALSE(refused(text));
    const std::size_t size_field = 5;
    for (const int change : {-1, 1}) {
        std::string wrong = text;
        wrong[size_field] = static_cast<char>(wrong[size_field] + change);
        CHECK(refused(wrong));
    }
}
