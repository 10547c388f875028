#include "restore/store_pace.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t mib = 1 << 20;
using Order = std::vector<std::size_t>;

}  // namespace

TEST_CASE("stores of which nothing is known share the pieces") {
    StorePace pace(2);
    CHECK(pace.order() == Order{0, 1});
    pace.begin(0);
    CHECK(pace.order() == Order{1, 0});
    pace.begin(1);
    pace.end(0);
    CHECK(pace.order() == Order{0, 1});
}

TEST_CASE("a store that is much slower than another is asked last, one that failed behind it") {
    StorePace pace(3);
    pace.measured(0, mib, 10s);
    pace.measured(1, 64 * mib, 1s);
    pace.measured(2, 40 * mib, 1s);
    pace.begin(1);
    CHECK(pace.order() == Order{2, 1, 0});
    pace.failed(2);
    CHECK(pace.order() == Order{1, 0, 2});
    pace.works(2);
    CHECK(pace.order() == Order{2, 1, 0});
}

TEST_CASE("a transfer stalls when another store would give the whole object much sooner") {
    StorePace pace(2);
    // Nothing is known of the other one: worth a try when this one would take long.
    CHECK_FALSE(pace.is_stalling(0, 100'000, 64 * mib, 2s));
    CHECK(pace.is_stalling(0, 100'000, 64 * mib, 4s));
    CHECK_FALSE(pace.is_stalling(0, 40 * mib, 64 * mib, 10s));
    pace.measured(1, 64 * mib, 1s);
    CHECK(pace.is_stalling(0, 16 * mib, 64 * mib, 4s));
    CHECK_FALSE(pace.is_stalling(0, 40 * mib, 64 * mib, 4s));
    CHECK_FALSE(pace.is_stalling(0, 64 * mib, 64 * mib, 60s));
    pace.failed(1);
    CHECK_FALSE(pace.is_stalling(0, 100'000, 64 * mib, 60s));
}

TEST_CASE("small objects say nothing of a store's pace") {
    StorePace pace(2);
    pace.measured(0, 1000, 1s);
    pace.measured(1, 64 * mib, 1s);
    CHECK(pace.order() == Order{0, 1});
}
