#include "archive/store_rates.hpp"

#include <cmath>

#include <cmath>

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace std::chrono_literals;

TEST_CASE("Of several stores the quicker one is asked first, and one that was not measured before it",
          "[fetch]") {
    const StoreRates::Time now{1h};
    StoreRates rates(3);
    rates.note(0, 400'000, 10s, now);
    rates.note(1, 16'000'000, 1s, now);
    CHECK(rates.slowness(1, now) < rates.slowness(0, now));
    CHECK(rates.slowness(2, now) < rates.slowness(1, now));
    CHECK(std::abs(rates.rate(0, now).value() - 40'000) < 1);
    rates.note(2, 12'000'000, 1s, now);
    CHECK(rates.slowness(2, now) == rates.slowness(1, now));  // nearly as quick: the configuration decides
}

TEST_CASE("What is too small or too long ago says nothing of a store's rate", "[fetch]") {
    const StoreRates::Time now{1h};
    StoreRates rates(1);
    rates.note(0, 200, 20ms, now);
    CHECK_FALSE(rates.rate(0, now));
    rates.note(0, 200, 20s, now);  // it hangs
    CHECK(std::abs(rates.rate(0, now).value() - 10) < 0.01);
    CHECK(rates.rate(0, now + 4min));
    CHECK_FALSE(rates.rate(0, now + 6min));
}
