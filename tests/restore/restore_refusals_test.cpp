#include "restore/restore.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "common/error.hpp"
#include "restore/restore_places.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/backup_sample.hpp"
#include "tests/restore/backup_maker.hpp"
#include "tests/restore/restore_refusals.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::test;

namespace fs = std::filesystem;

TEST_CASE("a piece that is damaged everywhere ends the restore") {
    BackupMaker maker;
    maker.put();
    for (const std::string& object : maker.objects("base.00000000")) {
        std::string bytes = read_file(object);
        bytes.pop_back();
        std::ofstream(object, std::ios::binary | std::ios::trunc) << bytes;
    }
    refused_midway(maker);
}

TEST_CASE("a piece that is nowhere leaves the backup out of the choice") {
    BackupMaker maker;
    maker.put();
    for (const std::string& object : maker.objects("base.00000000")) fs::remove(object);
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) ==
          ErrorKind::integrity);
    CHECK(message.find("1 piece is missing in every store") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
}

TEST_CASE("a file that is not as the manifest has it ends the restore") {
    const std::string path = "base/1/1259";
    const auto with = [&](const std::function<void(BackupMaker&)>& change) {
        BackupMaker maker;
        change(maker);
        maker.put();
        return refused_midway(maker);
    };
    CHECK(with([&](BackupMaker& maker) {
              maker.streams["manifest"] = manifest_of(maker.files);
              maker.files[path][7] = 'x';
          }).find("another checksum") != std::string::npos);
    CHECK(with([&](BackupMaker& maker) {
              maker.streams["manifest"] = manifest_of(maker.files);
              maker.files[path] += "x";
          }).find("bytes") != std::string::npos);
    CHECK(with([&](BackupMaker& maker) {
              maker.streams["manifest"] = manifest_of(maker.files);
              maker.files.erase(path);
          }).find("did not come") != std::string::npos);
    CHECK(with([&](BackupMaker& maker) {
              maker.streams["manifest"] = manifest_of(maker.files);
              maker.files["base/1/extra"] = "x";
          }).find("not in its manifest") != std::string::npos);
    CHECK(with([&](BackupMaker& maker) {
              maker.streams["base"] = maker.base_tar().substr(0, 10240) + TarMaker().file(path, "x").text();
          }).find("refused") != std::string::npos);
    CHECK(with([&](BackupMaker& maker) {
              std::string manifest = manifest_of(maker.files);
              manifest[manifest.find("1259") + 3] = '8';
              maker.streams["manifest"] = manifest;
          }).find("its checksum does not fit") != std::string::npos);
}

TEST_CASE("a tar that would leave the new directory ends the restore before it does") {
    for (const char* path : {"../outside", "/outside", "base/../../outside"}) {
        BackupMaker maker;
        maker.streams["base"] = TarMaker().file(path, "x").text();
        maker.put();
        refused_midway(maker);
        CHECK_FALSE(fs::exists(maker.dir / "outside"));
        CHECK_FALSE(fs::exists("/outside"));
    }
}

TEST_CASE("a link in a tar is never followed, and only a tablespace may be one") {
    BackupMaker maker;
    maker.files["base/1/x"] = "owned";
    maker.streams["base"] = TarMaker().link("base", maker.dir.path()).file("base/1/x", "owned").text();
    maker.put();
    CHECK(refused_midway(maker).find("is a link") != std::string::npos);
    BackupMaker tablespace;
    tablespace.streams["base"] = TarMaker().link("pg_tblspc/4711", "/etc").text();
    tablespace.put();
    refused_midway(tablespace);
    CHECK_FALSE(fs::exists(tablespace.dir / "data/pg_tblspc/4711"));
}

TEST_CASE("as far as possible is refused where what lies before the gap is not known") {
    BackupMaker maker;
    maker.put(4);
    maker.put_segment(7);  // 6 is missing; of the segments before it no record can be read
    auto options = maker.options();
    options.wish.as_far_as_possible = true;
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), options); }, &message) == ErrorKind::integrity);
    CHECK(message.find("which commit is the last one before the gap is not known") != std::string::npos);
    CHECK(message.find("could not be looked into, and commits in it would be lost") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
}

TEST_CASE("a directory that holds anything is left as it is") {
    BackupMaker maker;
    maker.put();
    maker.dir.write("data/.hidden", "precious");
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) == ErrorKind::usage);
    CHECK(message.find("is not empty") != std::string::npos);
    CHECK(message.find("rm ") == std::string::npos);
    CHECK(maker.restored(".hidden") == "precious");
    maker.dir.write("live/PG_VERSION", "15\n");
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options("live/new")); }) == ErrorKind::usage);
    CHECK_FALSE(fs::exists(maker.dir / "live/new"));
    maker.dir.write("file", "precious");
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options("file")); }) == ErrorKind::usage);
}

TEST_CASE("what an interrupted restore left says so, and is not restored over") {
    BackupMaker maker;
    maker.put();
    for (const std::string& object : maker.objects("base.00000000"))
        std::ofstream(object, std::ios::binary | std::ios::app) << "x";
    refused_midway(maker);
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) == ErrorKind::usage);
    CHECK(message.find("did not end") != std::string::npos);
    CHECK(message.find("says how to remove it") != std::string::npos);
    CHECK(maker.restored(incomplete_marker).find("rm -rf " + (maker.dir / "data")) != std::string::npos);
}

TEST_CASE("a user who could not recover is noticed before anything is unpacked") {
    if (::geteuid() != 0) {
        WARN("SKIPPED: it needs root");
        return;
    }
    BackupMaker maker;
    maker.put();
    const Settings settings = maker.settings();
    ::chmod(settings.file.c_str(), 0600);
    std::string message;
    CHECK(kind_of([&] { restore_backup(settings, maker.options()); }, &message) == ErrorKind::config);
    CHECK(message.find("postgres could not recover") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
    RestoreOptions options = maker.options();
    options.owner = "root";
    CHECK(kind_of([&] { restore_backup(settings, options); }) == ErrorKind::usage);
    options.owner = "no-such-user";
    CHECK(kind_of([&] { restore_backup(settings, options); }) == ErrorKind::usage);
}

TEST_CASE("a place that the server's user cannot reach is noticed before anything is unpacked") {
    if (::geteuid() != 0) {
        WARN("SKIPPED: it needs root");
        return;
    }
    BackupMaker maker;
    maker.put();
    fs::create_directory(maker.dir / "closed");
    ::chmod((maker.dir / "closed").c_str(), 0700);
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options("closed/data")); }, &message) ==
          ErrorKind::usage);
    CHECK(message.find("may not enter " + (maker.dir / "closed")) != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "closed/data"));
}

TEST_CASE("a disk that is too small is noticed before anything is unpacked") {
    BackupLabel label = sample_label();
    RestorePlaces places{"/var/tmp/new", {{16384, "/var/tmp/fast"}}};
    check_room(places, label);
    label.streams[0].size = std::uint64_t{1} << 55;
    std::string message;
    CHECK(kind_of([&] { check_room(places, label); }, &message) == ErrorKind::no_space);
    CHECK(message.find("nothing was written") != std::string::npos);
}

TEST_CASE("a target behind a gap is refused, with the range that can be reached") {
    BackupMaker maker;
    maker.put(2);
    maker.put_segment(7);
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) ==
          ErrorKind::integrity);
    CHECK(message.find("000000010000000000000004 is missing, and 000000010000000000000007 is there") !=
          std::string::npos);
    CHECK(message.find("LSN 0/400000") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
}

TEST_CASE("a restore that is asked to stop leaves no database") {
    BackupMaker maker;
    for (int i = 0; i < 40; ++i) maker.files["base/1/" + std::to_string(5000 + i)] = noise(3 << 20);
    maker.put();
    std::stop_source stop;
    RestoreOptions options = maker.options();
    options.stop = stop.get_token();
    options.show = [&](const std::string& doing, std::uint64_t, std::uint64_t) {
        if (doing == "restoring") stop.request_stop();
    };
    CHECK(kind_of([&] { restore_backup(maker.settings(), options); }) == ErrorKind::interrupted);
    CHECK(fs::exists(maker.dir / ("data/" + std::string(incomplete_marker))));
    CHECK_FALSE(fs::exists(maker.dir / "data/PG_VERSION"));
}
