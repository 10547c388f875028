#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/catch.hpp"
#include "tests/maintenance/expire/cluster_maker.hpp"

using namespace walferry;
using namespace walferry::expire;

namespace {

/// The most memory that this process has had, in MiB.
long most_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

}  // namespace

TEST_CASE("expire: a million segments and a hundred thousand pieces are planned within seconds", "[expire]") {
    const char* set = std::getenv("WALFERRY_TESTS_LONG");
    const std::uint64_t segments = set != nullptr && *set != '\0' ? 1'000'000 : 100'000;
    ClusterMaker made;
    made.cluster.wal.reserve(segments);
    for (std::uint64_t n = 0; n < segments; ++n) made.file(1, n, day(static_cast<double>(n) / 1000));
    const double days = static_cast<double>(segments) / 1000;
    for (double when = 0; when + 1 < days; when += 1) {
        Backup& backup = made.backup("backup-of-day-" + std::to_string(when), when);
        backup.first = static_cast<std::uint64_t>(when * 1000);
        backup.last = backup.first + 100;
        backup.objects.clear();
        // A piece in ten is new, and all are named by the index.
        for (int i = 0; i < 100; ++i) {
            backup.objects.push_back(made.object(
                "prefix/cluster/7301234567890123456/piece/ab/base-" + std::to_string(when * 100 + i) +
                    "-0123456789abcdef0123456789abcdef-01234567-0123456789abcdef0123456789abcdef.zst.age",
                day(when)));
        }
    }
    made.retention.monthly = 12;
    made.retention.weekly = 4;
    made.mark_all(days);
    const long before = most_memory();
    const auto start = std::chrono::steady_clock::now();
    const Plan plan = made.at(days + 2);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CHECK(plan.amount(Fate::remove).objects > segments / 2);
    CHECK(took < std::chrono::seconds(60));
    CHECK(most_memory() < 512);
    if (set != nullptr && *set != '\0') {
        std::cout << segments << " segments and " << made.cluster.objects.size() << " pieces planned in "
                  << took.count() << " s; " << before << " MiB before, " << most_memory() << " MiB at most\n";
    }
}
