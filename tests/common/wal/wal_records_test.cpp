#include "common/wal/wal_records.hpp"

#include "tests/archive/wal_maker.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

constexpr std::size_t page_size = 8192, segment_size = 4 * page_size;
constexpr unsigned transaction = 1, standby = 8, heap = 10;

struct Seen {
    bool good = true;
    std::vector<WalRecord> records;

    std::vector<WalRecord> of(WalRecord::Kind kind) const {
        std::vector<WalRecord> found;
        for (const WalRecord& record : records) {
            if (record.kind == kind) found.push_back(record);
        }
        return found;
    }
};

Seen walk(const std::vector<std::string>& segments) {
    Seen seen;
    WalRecords records([&](const WalRecord& record) { seen.records.push_back(record); });
    for (const std::string& segment : segments) seen.good = seen.good && records.segment(as_bytes(segment));
    return seen;
}

using Kind = WalRecord::Kind;

}  // namespace

TEST_CASE("ends of transactions are found with their time, whatever lies between them") {
    WalMaker wal(segment_size);
    wal.record(heap, 0, 800, std::string(100, 'x'));
    const std::uint64_t first = wal.commit(800, 1000);
    wal.record(heap, 0, 801, std::string(3 * page_size, 'x'));  // over several pages
    const std::uint64_t second = wal.commit(801, 2000, 0x80 | 0x20);
    wal.commit(802, 2500, 0x10);  // is only prepared
    const Seen seen = walk(wal.segments());
    REQUIRE(seen.good);
    CHECK(seen.records.size() == 5);
    const auto ends = seen.of(Kind::transaction_end);
    REQUIRE(ends.size() == 2);
    CHECK(ends[0].lsn == first);
    CHECK(ends[0].xid == 800);
    CHECK(ends[0].time == 1000);
    CHECK(ends[1].lsn == second);
    CHECK(ends[1].time == 2000);
}

TEST_CASE("a record that lies across two segments is one, and counts only when both are there") {
    WalMaker wal(segment_size);
    wal.commit(1, 10);
    wal.record(heap, 0, 2, std::string(segment_size, 'x'));
    wal.commit(2, 20);
    const auto segments = wal.segments();
    REQUIRE(segments.size() == 2);
    CHECK(walk(segments).of(Kind::transaction_end).size() == 2);
    CHECK(walk(segments).records.size() == 3);
    const Seen begin = walk({segments[0]});
    CHECK(begin.good);
    CHECK(begin.records.size() == 1);
    const Seen end = walk({segments[1]});
    CHECK(end.good);
    REQUIRE(end.records.size() == 1);
    CHECK(end.records[0].time == 20);
}

TEST_CASE("restore points and the transactions that were running are read") {
    WalMaker wal(segment_size);
    wal.restore_point(30, "before the release");
    std::string running;
    for (const std::uint32_t value : {1U, 0U, 0U, 900U, 890U, 899U}) WalMaker::append(running, value);
    running.append(4, '\0');
    wal.record(standby, 0x10, 0, running);
    const Seen seen = walk(wal.segments());
    REQUIRE(seen.of(Kind::restore_point).size() == 1);
    CHECK(seen.of(Kind::restore_point)[0].name == "before the release");
    REQUIRE(seen.of(Kind::running_transactions).size() == 1);
    CHECK(seen.of(Kind::running_transactions)[0].oldest_xid == 890);
}

TEST_CASE("an origin and a top-level transaction before the data are stepped over") {
    WalMaker wal(segment_size);
    std::string data;
    WalMaker::append(data, std::int64_t{77});
    wal.record(transaction, 0, 5, data, std::string("\xFD\x01\x00\xFC\x05\x00\x00\x00", 8));
    const auto ends = walk(wal.segments()).of(Kind::transaction_end);
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].time == 77);
}

TEST_CASE("what is no WAL of a version that is known tells nothing") {
    WalMaker wal(segment_size);
    wal.commit(1, 10);
    std::string segment = wal.segments()[0];
    CHECK_FALSE(walk({""}).good);
    CHECK_FALSE(walk({std::string(segment_size, '\0')}).good);
    std::string unknown = segment;
    unknown[0] = 0x77;
    CHECK_FALSE(walk({unknown}).good);
    std::string broken = segment;
    broken[40] = 3;  // a record shorter than its own header
    CHECK_FALSE(walk({broken}).good);
    // Whatever is cut or spoiled, the walk ends, and reads nothing that is not there.
    for (std::size_t size = 0; size < segment.size(); size += 61) walk({segment.substr(0, size)});
    for (std::size_t i = 0; i < 200; ++i) {
        std::string spoiled = segment;
        spoiled[i] = static_cast<char>(spoiled[i] ^ 0x5A);
        walk({spoiled, segment});
    }
}
