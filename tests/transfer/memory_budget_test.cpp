#include "transfer/memory_budget.hpp"

#include <thread>

#include "tests/catch.hpp"

using namespace walferry::transfer;

TEST_CASE("The budget lets in what fits, an oversized one alone, and is opened by dropping") {
    MemoryBudget budget({100, 3});
    const std::stop_token never;
    MemoryBudget::Share big = budget.take(1000);
    REQUIRE(big);
    int asked = 0;
    MemoryBudget::Share next = budget.take(60, never, [&] {
        ++asked;
        big = {};
        return true;
    });
    CHECK(asked == 1);
    REQUIRE(next);
    const MemoryBudget::Share second = budget.take(40);
    std::jthread later([&] { next.shrink(10); });
    CHECK(budget.take(50));
    std::stop_source source;
    source.request_stop();
    CHECK_FALSE(budget.take(500, source.get_token()));
}

TEST_CASE("The budget bounds the number of objects, however little each one takes") {
    MemoryBudget budget({100, 2});
    std::stop_source stopped;
    stopped.request_stop();
    MemoryBudget::Share first = budget.take(1);
    MemoryBudget::Share second = budget.take(1);
    CHECK_FALSE(budget.take(1, stopped.get_token()));
    first = {};
    CHECK(budget.take(1, stopped.get_token()));
}

TEST_CASE("What takes memory waits until others give it back, or until nothing more is to be taken") {
    MemoryBudget budget({100});
    MemoryBudget::Share first = budget.take(80);
    std::jthread other([&] { first.shrink(30); });
    const MemoryBudget::Share second = budget.take(60);
    CHECK(second);
    std::jthread closes([&] { budget.close(); });
    CHECK_FALSE(budget.take(60));
    CHECK_FALSE(budget.take(1));
}

TEST_CASE("A share is given back once, whoever held it last") {
    MemoryBudget budget({100, 1});
    std::stop_source stopped;
    stopped.request_stop();
    {
        MemoryBudget::Share first = budget.take(80);
        first.shrink(90);  // never more than was taken
        MemoryBudget::Share moved = std::move(first);
        CHECK(moved);
        CHECK_FALSE(budget.take(1, stopped.get_token()));
    }
    const MemoryBudget::Share again = budget.take(100, stopped.get_token());
    CHECK(again);
}
