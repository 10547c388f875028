#include <algorithm>

#include "common/codec/wal_facts_text.hpp"
#include "common/wal/facts_reader.hpp"
#include "tests/archive/wal_maker.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

constexpr std::size_t page_size = 4096, segment_size = 1 << 20;

std::optional<WalFacts> read(Bytes segment, std::size_t step) {
    FactsReader reader;
    for (std::size_t at = 0; at < segment.size(); at += step)
        reader.write(segment.subspan(at, std::min(step, segment.size() - at)));
    return reader.finish();
}

void check_text(const WalFacts& facts) {
    const std::string text = facts_text(facts);
    must(text.size() <= max_facts_size, "facts have a limit");
    const auto back = parse_facts(text);
    must(back.has_value(), "facts that were written can be read");
    WalFacts kept = facts;
    if (kept.head && back->head && back->head->bytes.empty()) kept.head->bytes.clear();
    if (kept.tail && back->tail && back->tail->bytes.empty()) kept.tail->bytes.clear();
    must(*back == kept || !back->complete,
         "facts mean the same when they are read, or say that they were cut");
    must(facts_text(facts, 4096).size() <= 4096 || facts.checkpoints.size() > 8,
         "facts can be cut to a little");
}

}  // namespace

/// Segments of any writer, cut anywhere; and texts of any writer.
void check(Bytes input) {
    if (const auto facts = parse_facts(as_text(input))) check_text(*facts);
    const auto whole = read(input, input.size() + 1);
    must(whole == read(input, 1000), "the pieces in which a segment comes change nothing");
    if (!whole) return;
    must(whole->events.size() <= input.size() / 24, "a record has at least its header");
    check_text(*whole);
    // As if its checksum fitted.
    if (input.size() >= 24) {
        WalFacts facts;
        facts.pg_version = 15 + std::to_integer<int>(input.front()) % 4;
        RecordFacts collected(facts);
        collected.record(input, 1);
        collected.finish();
        check_text(facts);
    }
    // The rest of a record that another segment began.
    const std::size_t half = input.size() / 2 / page_size * page_size;
    if (half == 0) return;
    auto before = read(input.first(half), half), after = read(input.subspan(half), half);
    if (before && after) join_facts(*before, *after);
    if (before) check_text(*before);
}

std::vector<std::string> seeds() {
    test::WalMaker wal(segment_size, page_size, segment_size);
    wal.commit(800, 1000);
    wal.restore_point(1500, "release");
    wal.record(8, 0, 801, std::string("\1\0\0\0\x21\3\0\0\5\0\0\0\0\x40\0\0", 16));
    wal.record(2, 0x10, 801, std::string("\x7f\6\0\0\5\0\0\0\1\x40\0\0\0\0\0\0", 16));
    wal.record(1, 0x80, 801, std::string("\1\0\0\0\0\0\0\0\4\0\0\0\1\0\0\0\x7f\6\0\0\5\0\0\0\0\x40\0\0", 28));
    wal.record(5, 0, 802, std::string("\0\x50\0\0/srv/fast\0", 14));
    wal.record(10, 0, 803, std::string(5000, 'x'));
    wal.commit(803, 2000, 0x80);
    const std::string segment = wal.segments()[0].substr(0, 4 * page_size);
    const auto facts = read(as_bytes(segment), page_size);
    return {segment, segment.substr(0, page_size + 100), facts ? facts_text(*facts) : ""};
}

}  // namespace walferry::fuzz
