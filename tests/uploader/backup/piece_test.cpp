#include "uploader/backup/piece.hpp"

#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"

using namespace walferry;
using namespace walferry::backup;
using namespace walferry::transfer;
using namespace walferry::test;

namespace {

std::string read_all(RawPiece& piece, std::size_t step) {
    std::string text;
    std::vector<std::byte> buffer(step);
    while (const std::size_t n = piece.read(buffer)) text += as_text(Bytes(buffer).first(n));
    return text;
}

}  // namespace

TEST_CASE("a piece gives back what it was given, and its memory is used again") {
    MemoryBudget memory({std::uint64_t{1} << 30});
    // Not a multiple of anything; the second and third one live in the blocks of the first.
    for (const std::size_t size : std::initializer_list<std::size_t>{3'500'001, 1'048'576, 5'000'000, 1}) {
        const std::string content = noise(size, static_cast<std::uint32_t>(size));
        RawPiece piece(memory, {}, 0, BackupPart{"base", 0});
        for (std::size_t at = 0; at < size; at += 32'768)
            CHECK(piece.append(as_bytes(std::string_view(content).substr(at, 32'768))).empty());
        CHECK(piece.size() == size);
        CHECK(piece.fingerprint() == fingerprint_of(content));
        CHECK(read_all(piece, 262'144) == content);
    }
}

TEST_CASE("a piece takes no more than 64 MiB of its stream") {
    MemoryBudget memory({std::uint64_t{1} << 30});
    RawPiece piece(memory, {}, 0, BackupPart{"base", 0});
    const std::string block = noise(1 << 20);
    std::uint64_t given = 0;
    Bytes rest;
    while (rest.empty()) {
        rest = piece.append(as_bytes(std::string_view(block).substr(0, 1'000'000)));
        given += 1'000'000;
    }
    CHECK(piece.full());
    CHECK(piece.size() == backup_piece_size);
    CHECK(given - rest.size() == backup_piece_size);
}
