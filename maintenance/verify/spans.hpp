#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/ledger/ledger_verify.hpp"
#include "common/store/object_store.hpp"

namespace walferry::verify {

// A span is small enough to be read within minutes, and large enough for a million objects to be a thousand
// spans.
inline constexpr std::uint64_t most_objects = 1000;
inline constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

inline bool is_full(const VerifySpan& span) {
    return span.objects >= most_objects || span.bytes >= most_bytes;
}

/// Puts objects that no span holds yet, in the order of their keys, into spans.
class SpanMaker {
  public:
    void add(const ObjectInfo& object);
    std::vector<VerifySpan> finish();

  private:
    std::vector<VerifySpan> spans_;
    bool open_ = false;
};

/// Says since when the objects of new spans are unread. Those of a store that is seen for the first time
/// become due one after the other within `every`, so that no day brings all of them. Others came since the
/// last run, and were read back when they were put.
void begin_counting(std::vector<VerifySpan>& spans, bool first_time, WallTime now,
                    std::chrono::milliseconds every);

/// Those that have to be read now, as numbers in `spans`: the longest unread first. `all`: the others too. A
/// run a day, and nothing stays unread for longer than `every`; what is unread since a time to come is due,
/// because a clock was wrong.
std::vector<std::size_t> due_spans(const std::vector<VerifySpan>& spans, WallTime now,
                                   std::chrono::milliseconds every, bool all);

/// Joins neighbours that were read at about the same time and are small together; runs that were interrupted
/// leave such. `gone` and `come` are what VerifyRecords::change_spans() is to do.
struct Joined {
    std::vector<std::string> gone;
    std::vector<VerifySpan> come;
};
Joined join_small(std::vector<VerifySpan>& spans, std::chrono::milliseconds every);

}  // namespace walferry::verify
