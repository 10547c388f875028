#include "restore/fetch/spool_copy.hpp"

#include <algorithm>

#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::fetch;
using namespace walferry::test;

namespace {

struct Nowhere : Sink {
    void write(Bytes) override {}
    void finish() override {}
};

SpoolCopy::Result look_for(SpoolCopy& spool, const std::string& name) {
    Nowhere nowhere;
    return spool.fetch(
        sysid, *WalName::parse(name), {}, [&]() -> Sink& { return nowhere; }, [](const std::string&) {});
}

}  // namespace

TEST_CASE("A second content that push could not record is seen beside the first, and without it") {
    DrainHarness h;
    const WalFile first = DrainHarness::wal(1);
    const WalFile second = DrainHarness::wal(1, 77);
    h.push(first);
    const std::string fingerprint = fingerprint_of(second.bytes());
    std::ofstream(h.file(SpooledName{*WalName::parse(first.name), fingerprint}.text()), std::ios::binary)
        << second.bytes();
    {
        SpoolCopy spool(h.settings.spool);
        const auto result = look_for(spool, first.name);
        CHECK_FALSE(result.fetched);
        CHECK(result.disputed.size() == 2);
        CHECK(std::count(result.disputed.begin(), result.disputed.end(), fingerprint) == 1);
    }
    std::filesystem::remove(h.file(first.name));
    SpoolCopy spool(h.settings.spool);
    CHECK(look_for(spool, first.name).disputed == std::vector<std::string>{fingerprint});
    CHECK(look_for(spool, DrainHarness::wal(2).name).disputed.empty());
}
