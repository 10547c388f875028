#include "common/wal/backup_name.hpp"

#include "common/store/object_name.hpp"
#include "common/wal/lsn.hpp"
#include "common/wal/wal_name.hpp"
#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("a backup is called by its start in UTC and eight random digits") {
    const WallTime started = *parse_time("2026-11-24T12:13:14.567Z");
    CHECK(BackupId::make(started, 0x1a2b3c4d).text == "20261124T121314Z-1a2b3c4d");
    CHECK(BackupId::make(started, 0).text == "20261124T121314Z-00000000");
    CHECK(BackupId::parse("20261124T121314Z-1a2b3c4d"));
    CHECK(BackupId::make(started, 1) < BackupId::make(started + std::chrono::seconds(1), 0));
}

TEST_CASE("anything that is not exactly a backup's name is refused") {
    const std::string good = "20261124T121314Z-1a2b3c4d";
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string damaged = good;
        damaged[i] = 'x';
        INFO(damaged);
        CHECK_FALSE(BackupId::parse(damaged));
        CHECK_FALSE(BackupId::parse(good.substr(0, i)));
    }
    for (const char* text :
         {"20261324T121314Z-1a2b3c4d", "20261124T251314Z-1a2b3c4d", "20261124T121314Z-1A2B3C4D",
          "20261124T121314Z-1a2b3c4d/", "../../../../../etc/passwd"})
        CHECK_FALSE(BackupId::parse(text));
}

TEST_CASE("the parts of a backup read back to the letter") {
    for (const char* text : {"base.00000000", "base.00000123", "manifest.00000000", "config.00000000",
                             "16384.00000007", "4294967295.99999999", "label"}) {
        INFO(text);
        const auto part = BackupPart::parse(text);
        REQUIRE(part);
        CHECK(part->text() == text);
        CHECK(part->is_label() == (part->text() == "label"));
        CHECK(BackupObject::parse("backup/20261124T121314Z-1a2b3c4d/" + part->text()));
    }
    CHECK(BackupPart{"base", 42}.text() == "base.00000042");
}

TEST_CASE("anything that is not exactly a part of a backup is refused") {
    for (const char* text :
         {"", "base", "base.", "base.1", "base.000000001", "base.0000000x", "Base.00000000", ".00000000",
          "016384.00000000", "0.00000000", "4294967296.00000000", "-1.00000000", "label.00000000", "label ",
          "../base.00000000", "a/b.00000000", "label-", "wal.00000000", "base.00000000.00000000"}) {
        INFO(text);
        CHECK_FALSE(BackupPart::parse(text));
        CHECK_FALSE(BackupObject::parse("backup/20261124T121314Z-1a2b3c4d/" + std::string(text)));
    }
    for (const char* text : {"backup/label", "20261124T121314Z-1a2b3c4d/label", "backup//label",
                             "backup/20261124T121314Z-1a2b3c4d", "backup/20261124T121314Z-1a2b3c4d//label",
                             "/backup/20261124T121314Z-1a2b3c4d/label"})
        CHECK_FALSE(BackupObject::parse(text));
}

TEST_CASE("a backup's objects lie in a folder of their own, the label found without the pieces") {
    const ObjectKeys keys("prod", "main", 7300000000000000001ULL);
    const BackupId id{"20261124T121314Z-1a2b3c4d"};
    CHECK(keys.backup_directory(id) == "prod/main/7300000000000000001/backup/20261124T121314Z-1a2b3c4d/");
    const std::string digits(32, 'a');
    for (const BackupPart& part : {BackupPart::label(), BackupPart{"16384", 7}}) {
        const ObjectName name{part.text(), digits, "deadbeef", digits, true};
        const std::string key = keys.backup(id, name);
        CHECK(key ==
              keys.backup_directory(id) + part.text() + "-" + digits + "-deadbeef-" + digits + ".zst.age");
        CHECK(ObjectName::parse_backup(name.text()) == name);
        CHECK_FALSE(ObjectName::parse(name.text()));
        CHECK(key.starts_with(keys.backup_directory(id) + "label-") == part.is_label());
    }
    CHECK_FALSE(
        ObjectName::parse_backup("000000010000000A000000FF-" + digits + "-deadbeef-" + digits + ".zst.age"));
}

TEST_CASE("positions in the WAL are read and written as PostgreSQL does") {
    CHECK(format_lsn(0x2000028) == "0/2000028");
    CHECK(format_lsn(UINT64_MAX) == "FFFFFFFF/FFFFFFFF");
    CHECK(parse_lsn("0/2000028") == 0x2000028);
    CHECK(parse_lsn("a/0000000b") == 0xa0000000bULL);
    for (const char* text :
         {"", "/", "0/", "/0", "0", "0/123456789", "g/0", "0/0 ", " 0/0", "0x1/0", "-1/0", "1/2/3"})
        CHECK_FALSE(parse_lsn(text));
}

TEST_CASE("a position lies in the segment that PostgreSQL names for it") {
    // select pg_walfile_name(lsn), for each wal_segment_size.
    CHECK(WalName::segment_at(1, 0x2000028, 16 << 20).text == "000000010000000000000002");
    CHECK(WalName::segment_at(2, 0xA55000000ULL, 16 << 20).text == "000000020000000A00000055");
    CHECK(WalName::segment_at(1, 0xA55000000ULL, 1 << 20).text == "000000010000000A00000550");
    CHECK(WalName::segment_at(1, 0xAC0000000ULL, 1 << 30).text == "000000010000000A00000003");
    CHECK(WalName::segment_at(1, 0xAC0000000ULL, 1 << 30).start_lsn(1 << 30) == 0xAC0000000ULL);
}
