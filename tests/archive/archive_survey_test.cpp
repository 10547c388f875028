#include "archive/archive_survey.hpp"

#include <nlohmann/json.hpp>

#include "console/exit_code.hpp"
#include "report/backups_report.hpp"
#include "tests/catch.hpp"
#include "tests/restore/backup_maker.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::console;
using namespace walferry::report;
using namespace walferry::test;

namespace fs = std::filesystem;

TEST_CASE("every backup is listed with what can be reached from it") {
    BackupMaker maker;
    maker.put(3);
    const Settings settings = maker.settings();
    ArchiveSurvey survey(settings, {});
    REQUIRE(survey.backups().size() == 1);
    const auto json = backups_json(survey)["backups"][0];
    CHECK(json["id"] == maker.label.id.text);
    CHECK(json["stores"].size() == 2);
    CHECK(json["reach"][0]["from"] == "2026-11-24T12:14:15.123Z");
    CHECK(json["reach"][0]["until"] == "2026-11-24T13:00:00.000Z");
    CHECK(json["reach"][0]["last_segment"] == "000000010000000000000004");
    CHECK(json["reach"][0]["gap"].is_null());
    CHECK(backups_exit_code(survey) == exit_code::done);
    CHECK(backups_text(survey).find("held by a, b") != std::string::npos);
}

TEST_CASE("a store that is down hides nothing of the other's, and is said") {
    BackupMaker maker;
    maker.put(3);
    fs::remove_all(maker.path_of("b"));
    const Settings settings = maker.settings();
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups().size() == 1);
    CHECK(survey.silent_stores() == std::vector<std::string>{"b"});
    CHECK(backups_exit_code(survey) == exit_code::incomplete);
    CHECK(backups_text(survey).find("store b did not answer") != std::string::npos);
}

TEST_CASE("a store with less WAL than the other is shown beside what both have") {
    BackupMaker maker;
    maker.put(3);
    for (const auto& entry :
         fs::directory_iterator(maker.path_of("a") + "/main/" + std::to_string(sysid) + "/wal/00000001")) {
        if (entry.path().filename().string().starts_with("000000010000000000000003"))
            fs::remove(entry.path());
    }
    const Settings settings = maker.settings();
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups()[0].reach(1)->end_lsn == 0x500000);
    CHECK(backups_exit_code(survey) == exit_code::done);
    CHECK(backups_text(survey).find("a alone, timeline 1") != std::string::npos);
    ArchiveSurvey alone(
        settings,
        {.stores = {.only = {"a"}, .without = {}}, .system_identifier = {}, .show = {}, .stop = {}});
    CHECK(alone.backups()[0].reach(1)->gap);
    CHECK(backups_exit_code(alone) == exit_code::integrity);
}

TEST_CASE("pieces without a label are no backup, and a label without its pieces is no good one") {
    BackupMaker maker;
    maker.put();
    for (const std::string& object : maker.objects("base.00000000")) fs::remove(object);
    const Settings settings = maker.settings();
    ArchiveSurvey damaged(settings, {});
    CHECK(damaged.backups()[0].missing_pieces == 1);
    CHECK(backups_exit_code(damaged) == exit_code::integrity);
    for (const std::string& object : maker.objects("label")) fs::remove(object);
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups().empty());
    CHECK(survey.unfinished() == std::vector<std::string>{maker.label.id.text});
}

TEST_CASE("a label that is damaged, or stands there twice, is a problem and no backup") {
    BackupMaker maker;
    maker.stores = {"a"};
    maker.put();
    const Settings settings = maker.settings();
    SECTION("damaged") {
        std::ofstream(maker.objects("label")[0], std::ios::binary | std::ios::app) << "x";
    }
    SECTION("twice, with different contents") {
        maker.label.streams.clear();
        maker.label.stopped_at = "2026-11-24T12:14:16.000Z";
        maker.put();
        REQUIRE(maker.objects("label").size() == 2);
    }
    SECTION("under another backup's ID") {
        const fs::path label = maker.objects("label")[0];
        const fs::path folder = label.parent_path().parent_path() / "20261125T000000Z-00000000";
        fs::create_directory(folder);
        fs::copy_file(label, folder / label.filename());
        fs::remove(label);
    }
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups().empty());
    CHECK(survey.problems().size() == 1);
    CHECK(backups_exit_code(survey) == exit_code::integrity);
}

TEST_CASE("a damaged label beside a sound one is a problem, and takes no backup away") {
    BackupMaker maker;
    maker.stores = {"a"};
    maker.put();
    const std::string label = maker.objects("label")[0];
    std::string other = label;
    char& digit = other[other.rfind("label-") + 6];
    digit = digit == 'a' ? 'b' : 'a';
    fs::copy_file(label, other);
    const Settings settings = maker.settings();
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups().size() == 1);
    CHECK(survey.problems().size() == 1);
    CHECK(backups_exit_code(survey) == exit_code::integrity);
}

TEST_CASE("what waits in this host's spool counts, too") {
    BackupMaker maker;
    maker.put(2);
    maker.dir.write("spool/ready/" + std::to_string(sysid) + "/000000010000000000000004", "waits");
    fs::create_directories(maker.dir / "spool/tmp");
    fs::create_directories(maker.dir / "spool/ledger");
    const Settings settings = maker.settings();
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups()[0].reach(1)->end_lsn == 0x500000);
    CHECK(survey.spooled_at(survey.backups()[0].reach(1)->last.value()));
}

TEST_CASE("of a segment one content is known that recovery takes, or none") {
    BackupMaker maker;
    maker.put(4);
    const auto name = [](std::uint64_t number) { return WalName::segment_at(1, number << 20, 1 << 20); };
    const auto second = [&](std::uint64_t number) {  // beside the first, in one store
        const std::string folder = maker.path_of("a") + "/" + maker.keys().wal_directory(name(number).text);
        for (const auto& entry : fs::directory_iterator(folder)) {
            const std::string file = entry.path().filename().string();
            if (!file.starts_with(name(number).text)) continue;
            fs::copy_file(entry.path(), folder + file.substr(0, 25) + std::string(32, 'e') + file.substr(57));
            break;
        }
    };
    second(4);
    maker.dir.write("spool/ready/" + std::to_string(sysid) + "/" + name(5).text, "waits");
    fs::create_directories(maker.dir / "spool/tmp");
    fs::create_directories(maker.dir / "spool/ledger");
    const Settings settings = maker.settings();
    ArchiveSurvey survey(settings, {});
    const auto content = survey.content(name(3));
    REQUIRE(content);
    CHECK(survey.envelope(name(3), *content)->name == name(3).text);
    CHECK_FALSE(survey.envelope(name(3), *content + 1));
    CHECK_FALSE(survey.content(name(4)));  // two, and none was settled
    CHECK_FALSE(survey.content(name(5)));  // recovery looks into the spool first
    CHECK(survey.waits_in_spool(name(5)));
    CHECK_FALSE(survey.content(name(6)));
}

TEST_CASE("only trusted writers' labels count where there are any") {
    BackupMaker maker;
    maker.put();
    Settings settings = maker.settings();
    settings.trusted_writers = {"walferry-writer1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"};
    ArchiveSurvey survey(settings, {});
    CHECK(survey.backups().empty());
    CHECK(survey.problems().size() == 2);
}
