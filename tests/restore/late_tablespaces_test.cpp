#include "restore/late_tablespaces.hpp"

#include "tests/archive/wal_maker.hpp"
#include "tests/catch.hpp"
#include "tests/restore/backup_maker.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

constexpr std::uint64_t mib = 1 << 20;

/// Segment 3, with a tablespace that is created in it where a path is given.
std::string segment_with(const std::string& path, std::uint32_t xid) {
    WalMaker wal(3 * mib, 8192, mib);
    wal.system_identifier = sysid;
    std::string oid;
    WalMaker::append(oid, std::uint32_t{17000});
    if (!path.empty()) wal.record(5, 0x00, xid, oid + path + std::string(1, '\0'));
    wal.commit(xid, 1'000'000);
    return wal.segments()[0];
}

}  // namespace

TEST_CASE("of a segment with two contents the one that was settled tells which tablespaces replay creates") {
    BackupMaker maker;
    maker.put(1);
    const std::string name = WalName::segment_at(1, 3 * mib, mib).text;
    const std::string with = maker.put_wal(name, segment_with("/srv/late", 800));
    const std::string without = maker.put_wal(name, segment_with("", 801));
    const bool chosen = GENERATE(true, false);
    for (const std::string& store : maker.stores)
        write_settlement(maker.path_of(store), name, chosen ? with : without);
    const Settings settings = maker.settings();
    archive::ArchiveSurvey survey(settings, {});
    WalSearch search(survey, settings, [](const std::string&) {}, {});
    PathFacts facts(survey, search, settings);
    const archive::SurveyedBackup& backup = survey.backups().at(0);
    REQUIRE(backup.reach(1)->end_lsn == 4 * mib);
    const auto late = late_tablespaces(facts, backup, *backup.reach(1), RecoveryTarget{});
    REQUIRE(late.size() == (chosen ? 1U : 0U));
    if (chosen) CHECK(late[0].path == "/srv/late");
}
