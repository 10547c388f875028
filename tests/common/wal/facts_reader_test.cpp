#include "common/wal/facts_reader.hpp"

#include "common/codec/wal_facts_text.hpp"
#include "tests/archive/wal_maker.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

constexpr std::size_t mib = 1 << 20, page = 8192;
constexpr std::int64_t epoch = 946684800000000;

WalMaker maker(std::uint64_t start = mib) {
    return WalMaker(start, page, mib);
}

std::optional<WalFacts> read(const std::string& segment, std::size_t step = mib) {
    FactsReader reader;
    for (std::size_t at = 0; at < segment.size(); at += step)
        reader.write(as_bytes(std::string_view(segment).substr(at, step)));
    return reader.finish();
}

std::string words(std::initializer_list<std::uint32_t> values) {
    std::string text;
    for (const std::uint32_t value : values) WalMaker::append(text, value);
    return text;
}

/// A commit with files that it removes, and subtransactions.
std::string commit_data(std::int64_t time, const std::vector<std::uint32_t>& files,
                        const std::vector<std::uint32_t>& children = {}) {
    std::string data;
    WalMaker::append(data, time);
    data += words({(children.empty() ? 0U : 2U) | (files.empty() ? 0U : 4U)});
    if (!children.empty()) data += words({static_cast<std::uint32_t>(children.size())});
    for (const std::uint32_t child : children) data += words({child});
    if (!files.empty()) data += words({static_cast<std::uint32_t>(files.size())});
    for (const std::uint32_t file : files) data += words({1663, 5, file});
    return data;
}

void drop(WalMaker& wal, std::uint32_t xid, std::int64_t time, const std::vector<std::uint32_t>& files,
          const std::vector<std::uint32_t>& children = {}) {
    wal.record(1, 0x80, xid, commit_data(time, files, children));
}

void lock(WalMaker& wal, std::uint32_t xid, std::uint32_t relation) {
    wal.record(8, 0x00, xid, words({1, xid, 5, relation}));
}

void create_file(WalMaker& wal, std::uint32_t xid, std::uint32_t file) {
    wal.record(2, 0x10, xid, words({1663, 5, file, 0}));
}

/// A page of a file as it is logged while an index is built: one block with an image, no data of its own.
void full_page(WalMaker& wal, std::uint32_t xid, std::uint32_t file) {
    std::string image{'\x00', '\x10', '\x00', '\x00'};  // block 0, with an image, no data
    image += words({0}).substr(0, 4) + '\x00';          // its length, its hole, what it is
    image += words({1663, 5, file, 0}) + std::string(3000, 'p');
    wal.record(0, 0xB0, xid, "", image);
}

std::string kinds(const WalFacts& facts) {
    std::string text;
    for (const WalEvent& event : facts.events) text += std::string(to_string(event.kind)) + " ";
    return text;
}

}  // namespace

TEST_CASE("Commits, aborts, restore points and checkpoints are found with their times and places") {
    WalMaker wal = maker();
    std::string checkpoint(88, '\0');
    const std::uint64_t redo = mib + 40;
    checkpoint.replace(0, 8, reinterpret_cast<const char*>(&redo), 8);
    const std::uint64_t next = 790, seconds = 1'800'000'000;
    checkpoint.replace(24, 8, reinterpret_cast<const char*>(&next), 8);
    checkpoint.replace(64, 8, reinterpret_cast<const char*>(&seconds), 8);
    wal.record(0, 0x10, 0, checkpoint);
    const std::uint64_t first = wal.commit(800, 5'000'000);
    const std::uint64_t point = wal.restore_point(6'000'000, "release");
    const std::uint64_t last = wal.commit(801, 7'000'000);
    const std::uint64_t aborted =
        wal.record(1, 0x20, 802, std::string("\x40\x54\x89\x00\x00\x00\x00\x00", 8));
    const auto facts = read(wal.segments()[0]);
    REQUIRE(facts);
    CHECK(facts->complete);
    CHECK(facts->pg_version == 15);
    CHECK(facts->commits == 2);
    CHECK(facts->first_end == WalMoment{epoch + 5'000'000, first});
    CHECK(facts->last_commit == WalMoment{epoch + 7'000'000, last});
    CHECK(facts->last_end->lsn == aborted);
    CHECK(facts->last_record == aborted);
    CHECK(facts->next_xid == 803);
    REQUIRE(facts->checkpoints.size() == 1);
    CHECK(facts->checkpoints[0].redo == redo);
    CHECK(facts->checkpoints[0].time == 1'800'000'000'000'000);
    REQUIRE(facts->events.size() == 1);
    CHECK(facts->events[0].text == "release");
    CHECK(facts->events[0].lsn == point);
}

TEST_CASE("A record whose bytes do not fit its checksum is no fact, and ends the reading") {
    WalMaker wal = maker();
    wal.commit(800, 1'000'000);
    const std::uint64_t second = wal.commit(801, 2'000'000);
    wal.record(10, 0, 802, std::string(20'000, 'x'));  // from which no fact comes: it goes on over pages
    const std::uint64_t last = wal.commit(803, 3'000'000);
    const std::string segment = wal.segments()[0];
    for (const std::uint64_t record : {second, last}) {
        for (std::size_t at = 16; at < 34; ++at) {
            std::string damaged = segment;
            damaged[record - mib + at] = static_cast<char>(damaged[record - mib + at] ^ 0x10);
            // What is no commit any longer is no fact either.
            const auto facts = read(damaged);
            REQUIRE(facts);
            CHECK(facts->commits == (record == second && !facts->complete ? 1U : 2U));
            CHECK(facts->last_commit->time <= epoch + 3'000'000);
        }
    }
}

TEST_CASE("A long record that goes over pages and does not fit its checksum is no fact") {
    WalMaker wal = maker();
    wal.commit(800, 1'000'000);
    const std::uint64_t long_one = wal.record(1, 0, 801, std::string(8, '\1') + std::string(9'000, 'x'));
    wal.commit(802, 2'000'000);
    std::string segment = wal.segments()[0];
    CHECK(read(segment)->commits == 3);
    segment[long_one - mib + 8'500] = 'y';
    const auto facts = read(segment);
    CHECK(facts->commits == 1);
    CHECK_FALSE(facts->complete);
}

TEST_CASE("A timeline that a shutdown checkpoint begins is an event as well") {
    WalMaker wal = maker();
    std::string checkpoint(88, '\0');
    const std::uint64_t seconds = 1'800'000'000;
    const std::uint32_t timeline = 3, previous = 2;
    checkpoint.replace(8, 4, reinterpret_cast<const char*>(&timeline), 4);
    checkpoint.replace(12, 4, reinterpret_cast<const char*>(&previous), 4);
    checkpoint.replace(64, 8, reinterpret_cast<const char*>(&seconds), 8);
    const std::uint64_t begun = wal.record(0, 0x00, 0, checkpoint);
    wal.record(0, 0x10, 0, checkpoint);  // one that is not made at the end of a recovery
    checkpoint.replace(12, 4, reinterpret_cast<const char*>(&timeline), 4);
    wal.record(0, 0x00, 0, checkpoint);
    const auto facts = read(wal.segments()[0]);
    REQUIRE(facts->events.size() == 1);
    CHECK(facts->events[0].kind == WalEvent::Kind::end_of_recovery);
    CHECK(facts->events[0].lsn == begun);
    CHECK(facts->events[0].time == 1'800'000'000'000'000);
    CHECK(facts->events[0].timeline == 3);
    CHECK(facts->events[0].previous_timeline == 2);
}

TEST_CASE("It is known up to where the records of a segment lead") {
    const auto reached = [](const std::string& segment) {
        FactsReader reader;
        reader.write(as_bytes(segment));
        return reader.reached();
    };
    WalMaker wal = maker();
    wal.commit(800, 1);
    const std::uint64_t end = wal.commit(801, 2);
    const std::string short_one = wal.segments()[0];
    wal.commit(802, 3);
    const std::string longer = wal.segments()[0];
    const std::uint64_t length = end - mib - 40;
    CHECK(reached(short_one) == end + length);
    CHECK(reached(longer) == end + 2 * length);
    // Zeroes behind a place where a record ends, and behind one where none does.
    CHECK(reached(longer.substr(0, end + length - mib) + std::string(mib - (end + length - mib), '\0')) ==
          end + length);
    CHECK(reached(longer.substr(0, end + 16 - mib) + std::string(mib - (end + 16 - mib), '\0')) == end);
    // A server that crashed within a record begins its timeline at the page where the rest is missing.
    wal.record(10, 0, 803, std::string(20'000, 'x'));
    CHECK(reached(wal.segments()[0].substr(0, 2 * page) + std::string(mib - 2 * page, '\0')) ==
          mib + 2 * page);
    CHECK(reached("no WAL") == 0);
}

TEST_CASE("Facts are the same however the segment is cut into pieces, and survive their text") {
    WalMaker wal = maker();
    for (std::uint32_t i = 0; i < 200; ++i) {
        wal.record(10, 0, 1000 + i, std::string(900 + i, 'x'));
        lock(wal, 1000 + i, 20000 + i);
        if (i % 3 == 0) create_file(wal, 1000 + i, 30000 + i);
        if (i % 2 == 0)
            drop(wal, 1000 + i, i, {20000 + i});
        else
            wal.commit(1000 + i, i);
    }
    wal.record(10, 0, 3000, std::string(2 * mib, 'x'));
    const std::string segment = wal.segments()[0];
    const auto whole = read(segment);
    REQUIRE(whole);
    CHECK(whole->events.size() == 100);
    CHECK(whole->open.empty());
    for (const std::size_t step : {std::size_t{1}, std::size_t{39}, std::size_t{8191}, std::size_t{70'000}})
        CHECK(read(segment, step) == whole);
    CHECK(parse_facts(facts_text(*whole)) == whole);
}

TEST_CASE("A record that is cut by the segment's end is joined, wherever the cut is") {
    std::uint64_t joined = 0;
    for (std::size_t fill = mib - 3000; fill < mib - 1500; fill += 8) {
        WalMaker wal = maker();
        // Pages' headers take 24 bytes of each 8192.
        wal.record(10, 0, 700, std::string(fill - (mib / page) * 24, 'x'));
        for (int i = 0; i < 30; ++i) lock(wal, 800, 16384);
        for (int i = 0; i < 30; ++i) drop(wal, 800 + static_cast<std::uint32_t>(i), 1'000'000, {16384});
        const auto segments = wal.segments();
        REQUIRE(segments.size() == 2);
        auto before = read(segments[0]), after = read(segments[1]);
        REQUIRE((before && after));
        CHECK(after->complete);
        const std::uint64_t commits = before->commits + after->commits;
        if (before->tail) {
            const WalFacts kept = *before;
            REQUIRE(join_facts(*before, *after));
            CHECK_FALSE((before->tail || after->head));
            if (before->commits + after->commits == commits + 1) ++joined;
            CHECK(before->last_record == kept.tail->lsn);
        }
        CHECK(before->commits + after->commits == 30);
    }
    CHECK(joined > 10);
}

TEST_CASE("A DROP is told from a TRUNCATE, and both from what rewrites") {
    WalMaker wal = maker();
    lock(wal, 800, 16384);
    drop(wal, 800, 1, {16384});
    lock(wal, 801, 16385);
    create_file(wal, 801, 16400);
    drop(wal, 801, 1, {16385});
    lock(wal, 802, 16386);  // REINDEX
    create_file(wal, 802, 16401);
    full_page(wal, 802, 16401);
    drop(wal, 802, 1, {16386});
    lock(wal, 803, 16387);  // VACUUM FULL
    create_file(wal, 803, 16402);
    full_page(wal, 803, 16402);
    lock(wal, 803, 16402);
    drop(wal, 803, 1, {16387});
    drop(wal, 804, 1, {16388});  // nothing tells
    create_file(wal, 805, 16403);
    lock(wal, 805, 16403);
    drop(wal, 805, 1, {16403});  // its own: nothing was there before
    const std::uint64_t began = wal.record(10, 0, 806, "insert");
    lock(wal, 807, 16389);  // within a subtransaction
    drop(wal, 806, 1, {16389}, {807});
    const auto facts = read(wal.segments()[0]);
    REQUIRE(facts);
    REQUIRE(facts->events.size() == 6);
    CHECK(removal_of(facts->events[0]) == Removal::dropped);
    CHECK(facts->events[0].transaction.first_lsn == facts->events[0].transaction.locks[0].lsn);
    CHECK(removal_of(facts->events[1]) == Removal::truncated);
    CHECK(removal_of(facts->events[2]) == Removal::replaced);
    // A transaction that drops one table and makes another looks like this too.
    CHECK(removal_of(facts->events[3]) == Removal::unknown);
    CHECK(removal_of(facts->events[4]) == Removal::unknown);
    CHECK(removal_of(facts->events[5]) == Removal::dropped);
    CHECK(facts->events[5].transaction.first_lsn == began);
    CHECK(facts->events[5].time == epoch + 1);
    CHECK(facts->events[5].database == 5);
}

TEST_CASE("What a transaction did in earlier segments counts") {
    WalMaker wal = maker();
    const std::uint64_t began = wal.record(10, 0, 800, "insert");
    lock(wal, 800, 16384);
    create_file(wal, 800, 16400);
    wal.record(10, 0, 801, std::string(mib, 'x'));
    drop(wal, 800, 1, {16384, 16400});
    const auto segments = wal.segments();
    const auto before = read(segments[0]), after = read(segments[1]);
    REQUIRE((before && after));
    REQUIRE(before->open.size() == 1);
    REQUIRE(after->events.size() == 1);
    WalEvent event = after->events[0];
    CHECK(removal_of(event) == Removal::unknown);
    add_earlier(event, *before);
    CHECK(removal_of(event) == Removal::dropped);  // with the file that it was given before
    CHECK(event.transaction.first_lsn == began);
    CHECK(event.removed == std::vector<std::uint32_t>{16384});
}

TEST_CASE("A DROP is never taken for a replacement, whatever else its transaction makes") {
    WalMaker wal = maker();
    lock(wal, 800, 16384);  // DROP; CREATE TABLE
    create_file(wal, 800, 16400);
    lock(wal, 800, 16400);
    drop(wal, 800, 1, {16384});
    lock(wal, 801, 16385);  // DROP; CREATE INDEX on another table
    create_file(wal, 801, 16401);
    full_page(wal, 801, 16401);
    lock(wal, 801, 16401);
    drop(wal, 801, 1, {16385});
    lock(wal, 802, 16386);  // DROP; REINDEX of another table's
    lock(wal, 802, 16387);
    create_file(wal, 802, 16402);
    full_page(wal, 802, 16402);
    drop(wal, 802, 1, {16386, 16387});
    lock(wal, 803, 16388);  // DROP; the same index twice
    lock(wal, 803, 16389);
    for (const std::uint32_t file : {16403U, 16404U}) {
        create_file(wal, 803, file);
        full_page(wal, 803, file);
    }
    drop(wal, 803, 1, {16388, 16389, 16403});
    const auto facts = read(wal.segments()[0]);
    REQUIRE((facts && facts->events.size() == 4));
    for (const WalEvent& event : facts->events) CHECK(removal_of(event) == Removal::unknown);
}

TEST_CASE("A database that is moved to another tablespace is told from a new one") {
    WalMaker wal = maker();
    wal.record(4, 0x00, 800, words({17001, 17000, 17001, 1663}));
    wal.commit(800, 1'000'000);
    wal.record(4, 0x20, 801, words({17001, 1, 1663}));
    wal.record(4, 0x00, 802, words({17002, 17000, 17001, 1663}));
    wal.record(4, 0x20, 803, words({17001, 2, 1663, 17000}));
    const auto facts = read(wal.segments()[0]);
    REQUIRE((facts && facts->events.size() == 4));
    CHECK(facts->events[0].text == moved_database);
    CHECK(facts->events[0].tablespace == 17000);
    CHECK(facts->events[0].time == epoch + 1'000'000);
    CHECK(facts->events[1].tablespace == 1663);
    CHECK(facts->events[2].text.empty());
    CHECK(facts->events[3].tablespace == 0);
    CHECK(parse_facts(facts_text(*facts)) == facts);
}

TEST_CASE("Transactions without an event do not cost a look at every event") {
    WalMaker wal(8 * mib, page, 8 * mib);
    for (std::uint32_t i = 0; i < 2000; ++i) wal.record(4, 0x10, 100'000 + i, words({17001, 1663}));
    for (std::uint32_t i = 0; i < 50'000; ++i) wal.commit(200'000 + i, i);
    const std::uint64_t last = wal.commit(100'000, 7'000'000);
    const auto facts = read(wal.segments()[0], 8 * mib);
    REQUIRE(facts);
    CHECK(facts->events.size() == 2000);
    CHECK(facts->events[0].time == epoch + 7'000'000);
    CHECK(facts->events[1].time == 0);
    CHECK(facts->last_commit->lsn == last);
}

TEST_CASE("Databases and tablespaces are told with the time of their transaction") {
    WalMaker wal = maker();
    wal.record(5, 0x00, 800, words({17000}) + "/srv/fast" + std::string(1, '\0'));
    wal.commit(800, 1'000'000);
    wal.record(4, 0x10, 801, words({17001, 1663}));
    wal.record(4, 0x20, 802, words({17001, 1, 1663}));
    wal.record(5, 0x10, 803, words({17000}));
    wal.record(0, 0x60, 0, words({100, 8, 10, 0, 64, 1, 0}));
    const auto facts = read(wal.segments()[0]);
    REQUIRE(facts);
    CHECK(kinds(*facts) ==
          "tablespace_created database_created database_dropped tablespace_dropped parameters ");
    CHECK(facts->events[0].text == "/srv/fast");
    CHECK(facts->events[0].tablespace == 17000);
    CHECK(facts->events[0].time == epoch + 1'000'000);
    CHECK(facts->events[1].time == 0);
    CHECK(facts->events[2].database == 17001);
    CHECK(facts->events[4].text.starts_with("max_connections=100 max_worker_processes=8 "));
}

TEST_CASE("Of unknown versions and of what is no WAL there are no facts") {
    WalMaker wal = maker();
    wal.commit(800, 1);
    std::string segment = wal.segments()[0];
    CHECK_FALSE(read(""));
    CHECK_FALSE(read(segment.substr(0, 39)));
    CHECK_FALSE(read(std::string(mib, '\0')));
    segment[0] = '\x07';
    CHECK_FALSE(read(segment));
    for (const int magic : {0xD110, 0xD113, 0xD116, 0xD118}) {
        WalMaker each = maker();
        each.magic = static_cast<std::uint16_t>(magic);
        each.commit(800, 1);
        CHECK(read(each.segments()[0])->commits == 1);
    }
    WalMaker older = maker();
    older.magic = 0xD10D;
    older.commit(800, 1);
    CHECK_FALSE(read(older.segments()[0]));
}

TEST_CASE("A segment that was cut or damaged gives what is before that, and says so") {
    WalMaker wal = maker();
    for (std::uint32_t i = 0; i < 9000; ++i) wal.commit(800 + i, i);
    const std::string segment = wal.segments()[0];
    const auto whole = read(segment);
    REQUIRE(whole);
    CHECK(whole->commits == 9000);
    CHECK(whole->complete);  // behind the last record there is nothing
    const auto cut = read(segment.substr(0, 5 * page));
    REQUIRE(cut);
    CHECK_FALSE(cut->complete);
    CHECK((cut->commits > 0 && cut->commits < 9000));
    for (std::size_t at = 40; at < 3 * page; at += 61) {
        std::string damaged = segment;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
        const auto facts = read(damaged);
        REQUIRE(facts);
        CHECK(facts->commits <= 9000);
    }
}

TEST_CASE("Facts that are too long are cut and say so") {
    WalMaker wal = maker();
    for (std::uint32_t i = 0; i < 3000; ++i)
        wal.restore_point(i, "a restore point with a long name " + std::to_string(i));
    const auto facts = read(wal.segments()[0]);
    REQUIRE(facts);
    CHECK_FALSE(facts->complete);
    const std::string text = facts_text(*facts);
    CHECK(text.size() <= max_facts_size);
    CHECK(text.size() > max_facts_size / 3);
    const auto kept = parse_facts(text);
    REQUIRE(kept);
    CHECK_FALSE(kept->complete);
    for (const std::string wrong : {"", "{", "[]", "{\"facts\":1}", "{\"facts\":2}"})
        CHECK_FALSE(parse_facts(wrong));
    const std::string small =
        facts_text(*read(maker().segments().empty() ? wal.segments()[0] : wal.segments()[0]), 4096);
    CHECK(small.size() <= 4096);
}
