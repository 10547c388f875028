#include <algorithm>

#include "common/wal/wal_records.hpp"
#include "tests/archive/wal_maker.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

constexpr std::size_t page_size = 1024, segment_size = 2 * page_size;

std::string shown(const WalRecord& record) {
    return std::to_string(static_cast<int>(record.kind)) + " " + std::to_string(record.lsn) + " " +
           std::to_string(record.xid) + " " + std::to_string(record.time) + " " + record.name + " " +
           std::to_string(record.oldest_xid) + "\n";
}

/// What a walk over the first bytes sees, a segment at a time.
std::string walk(Bytes bytes) {
    std::string seen;
    std::size_t count = 0;
    WalRecords records([&](const WalRecord& record) {
        must(record.name.size() <= 64, "a name is no longer than its place");
        seen += shown(record);
        ++count;
    });
    for (std::size_t at = 0; at < bytes.size(); at += segment_size) {
        if (!records.segment(bytes.subspan(at, std::min(segment_size, bytes.size() - at)))) break;
    }
    must(count <= bytes.size() / 24, "a record has at least its header");
    return seen;
}

}  // namespace

/// Segments out of an archive, of any writer.
void check(Bytes input) {
    input = input.first(input.size() / page_size * page_size);
    const std::string whole = walk(input);
    must(whole == walk(input), "the same bytes are the same records");
    const std::string first = walk(input.first(std::min(segment_size, input.size())));
    must(whole.starts_with(first), "what follows changes nothing of what was there");
}

std::vector<std::string> seeds() {
    test::WalMaker wal(segment_size, page_size, segment_size);
    wal.commit(800, 1000);
    wal.restore_point(1500, "release");
    wal.record(10, 0, 801, std::string(2500, 'x'));
    wal.commit(801, 2000, 0x80);
    std::string text;
    for (const std::string& segment : wal.segments()) text += segment;
    test::WalMaker small(segment_size, page_size, segment_size);
    small.record(8, 0x10, 0, std::string(24, 'r'));
    return {text, small.segments()[0], wal.segments()[1]};
}

}  // namespace walferry::fuzz
