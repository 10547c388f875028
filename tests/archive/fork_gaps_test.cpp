#include "archive/fork_gaps.hpp"

#include <set>

#include "common/store/directory_store.hpp"
#include "tests/catch.hpp"
#include "tests/contract/store_under_test.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::contract;

namespace {

constexpr std::uint64_t segment_size = 16 << 20;
constexpr std::uint64_t cluster = 7;

/// A store that shows these names, each with some content.
struct Shown {
    TemporaryDirectory directory;
    StoreSettings settings;
    DirectoryStore store;
    ObjectKeys keys{"", "main", cluster};

    explicit Shown(const std::vector<std::string>& names)
        : settings(make(directory.path())), store(settings, {}) {
        const Sample sample("x");
        for (const std::string& name : names)
            store.put(keys.wal({name, std::string(32, 'a'), "12345678", std::string(32, 'b'), true}), sample,
                      sample.digest());
    }
    static StoreSettings make(const std::string& path) {
        StoreSettings settings;
        settings.name = "one";
        settings.type = StoreType::directory;
        settings.path = path;
        return settings;
    }
    /// "FIRST<-MISSING" for each gap.
    std::string gaps(const std::set<std::string>& waiting = {}) {
        std::string text;
        for (const ForkGap& gap : find_fork_gaps(
                 store, keys, segment_size, [&](const std::string& name) { return waiting.count(name) > 0; }))
            text += (text.empty() ? "" : " ") + gap.first + "<-" + gap.missing;
        return text;
    }
};

const std::string old4 = "000000010000000000000004", old5 = "000000010000000000000005",
                  new6 = "000000020000000000000006", new7 = "000000020000000000000007";

}  // namespace

TEST_CASE("a timeline that begins behind what an old primary archived is a gap", "[recovery]") {
    CHECK(Shown({old4, old5, new6, new7}).gaps().empty());
    CHECK(Shown({old4, "00000002.history", new6, new7}).gaps() == new6 + "<-" + old5);
    CHECK(Shown({old4, "00000002.history"}).gaps().empty());  // not known from names
    CHECK(Shown({old4, new6}).gaps({old5}).empty());          // it waits in the spool
}

TEST_CASE("archiving that began after a promotion lacks nothing", "[recovery]") {
    CHECK(Shown({new6, new7}).gaps().empty());
    CHECK(Shown({"00000001.history", new6}).gaps().empty());
    // What an old primary archived later than the fork says nothing of what lies before it.
    CHECK(Shown({"000000010000000000000008", new6}).gaps().empty());
}

TEST_CASE("a timeline may lead on from any one below it", "[recovery]") {
    const std::string third = "000000030000000000000006";
    CHECK(Shown({old4, old5, "000000020000000000000005", third}).gaps().empty());
    CHECK(Shown({old4, old5, "000000020000000000000005", "000000030000000000000008"}).gaps() ==
          "000000030000000000000008<-000000020000000000000007");
    CHECK(Shown({old4, "000000020000000000000006.partial"}).gaps() == new6 + "<-" + old5);
    // Segment 0 of the next log follows segment FF.
    CHECK(Shown({"0000000100000000000000FE", "000000020000000100000000"}).gaps() ==
          "000000020000000100000000<-0000000100000000000000FF");
}
