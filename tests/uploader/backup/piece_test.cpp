#include "uploader/backup/piece.hpp"

#include <thread>

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
    BlockPool pool;
    // Not a multiple of anything; the second and third one live in the blocks of the first.
    for (const std::size_t size : {3'500'001, 1'048'576, 5'000'000, 1}) {
        const std::string content = noise(size, static_cast<std::uint32_t>(size));
        RawPiece piece(pool, 0, BackupPart{"base", 0});
        for (std::size_t at = 0; at < size; at += 32'768)
            CHECK(piece.append(as_bytes(std::string_view(content).substr(at, 32'768))).empty());
        CHECK(piece.size() == size);
        CHECK(piece.fingerprint() == fingerprint_of(content));
        CHECK(read_all(piece, 262'144) == content);
    }
}

TEST_CASE("a piece takes no more than 64 MiB of its stream") {
    BlockPool pool;
    RawPiece piece(pool, 0, BackupPart{"base", 0});
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

TEST_CASE("who wants memory waits until others give it back, or until nothing more is to come") {
    MemoryBudget budget(100);
    REQUIRE(budget.take(80));
    std::thread other([&] { budget.give_back(50); });
    CHECK(budget.take(60));
    other.join();
    std::thread closes([&] { budget.close(); });
    CHECK_FALSE(budget.take(60));
    closes.join();
    CHECK_FALSE(budget.take(1));
}
