#include "uploader/drain/judging_pace.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::drain;
using std::chrono::minutes;

namespace {

ConflictRow row(std::int64_t id, bool open) {
    ConflictRow row{};
    row.id = id;
    if (!open) {
        row.settled_at = "2026-01-31T09:00:00.000Z";
        row.divergence = "not compared";
    }
    return row;
}

}  // namespace

TEST_CASE(
    "What was not compared is asked about once an hour, an open conflict once a minute, a new one at once") {
    const JudgingPace::Time start{std::chrono::hours(100)};
    JudgingPace pace;
    CHECK_FALSE(pace.is_due({}, start));
    CHECK(pace.is_due({row(1, false)}, start));
    pace.asked({row(1, false)}, start);
    CHECK_FALSE(pace.is_due({row(1, false)}, start + minutes(59)));
    CHECK(pace.is_due({row(1, false)}, start + minutes(60)));
    // A new one does not wait.
    CHECK(pace.is_due({row(1, false), row(2, true)}, start + minutes(1)));
    pace.asked({row(1, false), row(2, true)}, start + minutes(1));
    CHECK_FALSE(pace.is_due({row(1, false), row(2, true)}, start + minutes(1)));
    CHECK(pace.is_due({row(1, false), row(2, true)}, start + minutes(2)));
    // Once none is open, an hour again.
    pace.asked({row(1, false), row(2, false)}, start + minutes(2));
    CHECK_FALSE(pace.is_due({row(1, false), row(2, false)}, start + minutes(61)));
    CHECK_FALSE(pace.is_due({}, start + std::chrono::hours(9)));
}
