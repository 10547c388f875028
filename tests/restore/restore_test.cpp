#include "restore/restore.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "common/error.hpp"
#include "restore/recovery_file.hpp"
#include "restore/restore_places.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/backup_sample.hpp"
#include "tests/restore/backup_maker.hpp"
#include "tests/restore/restore_refusals.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::server;
using namespace walferry::test;

namespace fs = std::filesystem;

namespace {

unsigned mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::string all_of(const std::vector<std::string>& notes) {
    std::string text;
    for (const std::string& note : notes) text += note + "\n";
    return text;
}

}  // namespace

TEST_CASE("a backup comes back file by file, ready to recover") {
    BackupMaker maker;
    maker.put();
    const RestoreReport report = restore_backup(maker.settings(), maker.options());
    CHECK(report.files == maker.files.size());
    for (const char* path :
         {"PG_VERSION", "base/1/1259", "global/pg_control", "pg_hba.conf", "postgresql.conf"})
        CHECK(maker.restored(path) == maker.files.at(path));
    CHECK(maker.restored("recovery.signal").empty());
    CHECK(maker.restored("backup_manifest") == manifest_of(maker.files));
    CHECK(fs::is_directory(maker.dir / "data/pg_wal"));
    const std::string conf = maker.restored("postgresql.auto.conf");
    CHECK(conf.starts_with("work_mem = '8MB'\n"));
    CHECK(conf.find("restore_command") == std::string::npos);
    CHECK(conf.ends_with(recovery_include()));
    CHECK(conf.find("archive_mode") == std::string::npos);
    const std::string recovery = maker.restored(std::string(recovery_file));
    CHECK(recovery.find("restore_command = '") != std::string::npos);
    CHECK(recovery.find("recovery_target_timeline = 'current'") != std::string::npos);
    CHECK(recovery.find("hot_standby = 'off'") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / ("data/" + std::string(incomplete_marker))));
    CHECK(mode_of(maker.dir / "data") == 0700);
    CHECK(mode_of(maker.dir / "data/base/1/1259") == 0600);
    CHECK(mode_of(maker.dir / "data/base") == 0700);
}

TEST_CASE("a tablespace in the data directory comes back there, without a link") {
    for (const bool listed : {false, true}) {
        BackupMaker maker;
        const std::string file = "pg_tblspc/16384/PG_15_202209061/5/1259";
        maker.files[file] = "rows";
        maker.files["PG_VERSION"] = "15\n";
        maker.label.tablespaces = {{16384, "inside", "pg_tblspc/16384"}};
        maker.streams["16384"] = TarMaker()
                                     .directory("PG_15_202209061")
                                     .directory("PG_15_202209061/5")
                                     .file("PG_15_202209061/5/1259", "rows")
                                     .text();
        if (listed) maker.files["tablespace_map"] = "16384 pg_tblspc/16384\n";
        maker.put();
        restore_backup(maker.settings(), maker.options());
        CHECK(maker.restored(file) == "rows");
        CHECK(fs::is_directory(fs::symlink_status(maker.dir / "data/pg_tblspc/16384")));
        CHECK(maker.restored("postgresql.auto.conf").find("allow_in_place_tablespaces = 'on'") !=
              std::string::npos);
    }
}

TEST_CASE("everything restored belongs to the server's user") {
    if (::geteuid() != 0) {
        WARN("SKIPPED: it needs root");
        return;
    }
    BackupMaker maker;
    maker.put();
    restore_backup(maker.settings(), maker.options());
    struct stat directory {};
    REQUIRE(::lstat((maker.dir / "data").c_str(), &directory) == 0);
    CHECK(directory.st_uid != 0);
    for (const auto& entry : fs::recursive_directory_iterator(maker.dir / "data")) {
        struct stat status {};
        REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
        CHECK(status.st_uid == directory.st_uid);
        CHECK(status.st_gid == directory.st_gid);
    }
    CHECK(::geteuid() == 0);
}

TEST_CASE("the data directory's own mode decides whether its group may read, not that of a file in it") {
    BackupMaker maker;
    maker.label.data_directory_mode = 0750;
    maker.mode = 0640;
    maker.put();
    restore_backup(maker.settings(), maker.options());
    CHECK(mode_of(maker.dir / "data") == 0750);
    CHECK(mode_of(maker.dir / "data/PG_VERSION") == 0640);
    CHECK(mode_of(maker.dir / "data/recovery.signal") == 0640);
    BackupMaker own;
    own.mode = 0644;
    own.put();
    restore_backup(own.settings(), own.options());
    CHECK(mode_of(own.dir / "data") == 0700);
    CHECK(mode_of(own.dir / "data/recovery.signal") == 0600);
}

TEST_CASE(
    "files come back with the modes they had, but no other user may write, and none runs as another user") {
    BackupMaker maker;
    maker.mode = 06777;
    maker.put();
    restore_backup(maker.settings(), maker.options());
    CHECK(mode_of(maker.dir / "data/base/1/1259") == 0755);
    BackupMaker readable;
    readable.mode = 0444;
    readable.put();
    restore_backup(readable.settings(), readable.options());
    CHECK(mode_of(readable.dir / "data/pg_hba.conf") == 0644);
    CHECK(mode_of(readable.dir / "data/postgresql.conf") == 0644);
}

TEST_CASE(
    "the lock of a socket in the data directory, which names the old server's process, does not come back") {
    BackupMaker maker;
    maker.files["run/.s.PGSQL.5432.lock"] = "4711\n/var/lib/postgresql/15/main\n";
    maker.files["run/kept"] = "x";
    maker.put();
    restore_backup(maker.settings(), maker.options());
    CHECK_FALSE(fs::exists(maker.dir / "data/run/.s.PGSQL.5432.lock"));
    CHECK(maker.restored("run/kept") == "x");
}

TEST_CASE("a place that is not empty any more keeps its owner and its mode") {
    if (::geteuid() != 0) {
        WARN("SKIPPED: it needs root");
        return;
    }
    const TempDir dir;
    dir.write("place/precious", "another's");
    REQUIRE(::chown((dir / "place").c_str(), 12345, 12345) == 0);
    REQUIRE(::chmod((dir / "place").c_str(), 0755) == 0);
    CHECK(kind_of([&] { make_place(dir / "place", find_server_user("postgres"), "text"); }) ==
          ErrorKind::usage);
    struct stat status {};
    REQUIRE(::stat((dir / "place").c_str(), &status) == 0);
    CHECK(status.st_uid == 12345);
    CHECK((status.st_mode & 07777) == 0755);
}

TEST_CASE("a dry run says what it would do, and does nothing") {
    BackupMaker maker;
    maker.put();
    RestoreOptions options = maker.options();
    options.dry_run = true;
    const RestoreReport report = restore_backup(maker.settings(), options);
    CHECK(report.backup == maker.label.id.text);
    CHECK(maker.said.find("along timeline 1 to the end of the archive") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
}

TEST_CASE("a piece that is damaged or missing in one store is taken from the other") {
    BackupMaker maker;
    maker.put();
    const auto base = maker.objects("base.00000000");
    const auto manifest = maker.objects("manifest.00000000");
    REQUIRE(base.size() == 2);
    std::string bytes = read_file(base[0]);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::ofstream(base[0], std::ios::binary | std::ios::trunc) << bytes;
    fs::remove(manifest[1]);
    const RestoreReport report = restore_backup(maker.settings(), maker.options());
    CHECK(maker.restored("base/1/1259") == maker.files.at("base/1/1259"));
    // The order of the stores decides which of the two is asked in vain.
    for (const std::string& damaged : report.damaged)
        CHECK(maker.said.find(damaged.substr(3)) != std::string::npos);
}

TEST_CASE("a store that does not answer stays in the restore_command, and recovery finds out what it has") {
    BackupMaker maker;
    maker.put();
    fs::remove_all(maker.path_of("a"));
    const RestoreReport report = restore_backup(maker.settings(), maker.options());
    CHECK(report.without.empty());
    CHECK(report.silent == std::vector<std::string>{"a"});
    CHECK(report.restore_command.find("--without") == std::string::npos);
    CHECK(maker.said.find("store a did not answer") != std::string::npos);
    CHECK(maker.said.find("store b leads along timeline 1 to the end of segment 000000010000000000000004") !=
          std::string::npos);
    CHECK(maker.said.find("how far it leads is not known on this host") != std::string::npos);
    // It may know of a timeline that no store that answered has shown.
    CHECK(maker.restored(std::string(recovery_file)).find("recovery_target_timeline = 'latest'") !=
          std::string::npos);
}

TEST_CASE("only what the operator leaves out is left out of the restore_command") {
    BackupMaker maker;
    maker.put();
    fs::remove_all(maker.path_of("a"));
    RestoreOptions options = maker.options();
    options.stores.without = {"a"};
    const RestoreReport report = restore_backup(maker.settings(), options);
    CHECK(report.without == std::vector<std::string>{"a"});
    CHECK(report.silent.empty());
    CHECK(report.restore_command.find("--without a ") != std::string::npos);
    CHECK(maker.restored(std::string(recovery_file)).find("--without a ") != std::string::npos);
}

TEST_CASE("where no backup will do while a store is silent, the outage is the reason and not the archive") {
    BackupMaker maker;
    maker.put();
    fs::remove_all(maker.path_of("a"));
    RestoreOptions options = maker.options();
    options.wish.target.kind = TargetKind::lsn;
    options.wish.target.lsn = 0x900000;
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), options); }, &message) == ErrorKind::unreachable);
    CHECK(message.find("a did not answer and may have more") != std::string::npos);
    CHECK(message.find("--without a") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
}

TEST_CASE("a backup that lacks something of the cluster is refused unless that is said to be enough") {
    BackupMaker maker;
    maker.label.missing = {"the database \"orders\""};
    maker.put();
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) ==
          ErrorKind::integrity);
    CHECK(message.find("it lacks the database \"orders\"") != std::string::npos);
    CHECK_FALSE(fs::exists(maker.dir / "data"));
    RestoreOptions options = maker.options();
    options.wish.incomplete = true;
    const RestoreReport report = restore_backup(maker.settings(), options);
    REQUIRE_FALSE(report.notes.empty());
    CHECK(all_of(report.notes).find("orders") != std::string::npos);
}

TEST_CASE("what the backed-up server had on its command line is in the restored configuration, and said") {
    BackupMaker maker;
    maker.label.settings = {{"max_connections", "300"}, {"max_worker_processes", "8"}};
    maker.files["postgresql.auto.conf"] = "max_connections = 100\n";
    maker.put();
    const RestoreReport report = restore_backup(maker.settings(), maker.options());
    CHECK(maker.restored("postgresql.auto.conf").find("\nmax_connections = '300'\n") != std::string::npos);
    CHECK(maker.restored("postgresql.auto.conf").find("max_worker_processes") == std::string::npos);
    REQUIRE_FALSE(report.notes.empty());
    CHECK(all_of(report.notes).find("max_connections was 300") != std::string::npos);
}

TEST_CASE("a store that dies on the way is left, and recovery asks it all the same") {
    BackupMaker maker;
    for (int i = 0; i < 7; ++i) maker.files["base/1/" + std::to_string(5000 + i)] = noise(32 << 20, 7);
    maker.put();
    // What happens meanwhile, happens as the server's user.
    fs::permissions(maker.dir.path(), fs::perms::all);
    for (const auto& entry : fs::recursive_directory_iterator(maker.path_of("a")))
        fs::permissions(entry.path(), fs::perms::all);
    fs::permissions(maker.path_of("a"), fs::perms::all);
    RestoreOptions options = maker.options();
    options.jobs = 1;
    options.show = [&](const std::string& doing, std::uint64_t, std::uint64_t) {
        if (doing == "restoring") fs::remove_all(maker.path_of("a"));
    };
    const RestoreReport report = restore_backup(maker.settings(), options);
    CHECK(report.without.empty());
    CHECK(report.silent == std::vector<std::string>{"a"});
    CHECK(report.restore_command.find("--without") == std::string::npos);
    CHECK(report.files == maker.files.size());
    REQUIRE_FALSE(report.notes.empty());
    CHECK(all_of(report.notes).find("store a failed on the way") != std::string::npos);
}

TEST_CASE("tablespaces go where they were, or where they are told to") {
    const auto prepare = [](BackupMaker& maker, const std::string& location) {
        maker.label.tablespaces = {{16384, "fast", location}};
        maker.files["pg_tblspc/16384/PG_15_202209061/5/100"] = "rows";
        maker.files["tablespace_map"] = "16384 " + location + "\n";
        maker.streams["16384"] = TarMaker()
                                     .directory("PG_15_202209061")
                                     .directory("PG_15_202209061/5")
                                     .file("PG_15_202209061/5/100", "rows")
                                     .text();
        maker.put();
    };
    SECTION("the old place is free") {
        BackupMaker maker;
        prepare(maker, maker.dir / "deep/fast");
        restore_backup(maker.settings(), maker.options());
        CHECK(read_file(maker.dir / "deep/fast/PG_15_202209061/5/100") == "rows");
        CHECK(fs::read_symlink(maker.dir / "data/pg_tblspc/16384") == maker.dir / "deep/fast");
        CHECK(maker.restored("tablespace_map") == maker.files.at("tablespace_map"));
        CHECK_FALSE(fs::exists(maker.dir / ("deep/fast/" + std::string(incomplete_marker))));
    }
    SECTION("the old place is in use") {
        BackupMaker maker;
        prepare(maker, maker.dir / "fast");
        maker.dir.write("fast/PG_15_202209061/5/100", "live");
        std::string message;
        CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) ==
              ErrorKind::usage);
        CHECK(message.find("--tablespace " + (maker.dir / "fast") + "=") != std::string::npos);
        CHECK_FALSE(fs::exists(maker.dir / "data"));
        RestoreOptions options = maker.options();
        options.tablespaces = {{maker.dir / "fast", maker.dir / "new"}};
        restore_backup(maker.settings(), options);
        CHECK(read_file(maker.dir / "fast/PG_15_202209061/5/100") == "live");
        CHECK(read_file(maker.dir / "new/PG_15_202209061/5/100") == "rows");
        CHECK(maker.restored("tablespace_map") == "16384 " + (maker.dir / "new") + "\n");
    }
    SECTION("in the data directory, or in nothing that was backed up") {
        BackupMaker maker;
        prepare(maker, maker.dir / "fast");
        RestoreOptions options = maker.options();
        options.tablespaces = {{maker.dir / "fast", maker.dir / "data/inside"}};
        CHECK(kind_of([&] { restore_backup(maker.settings(), options); }) == ErrorKind::usage);
        options.tablespaces = {{"/no/such", maker.dir / "new"}};
        CHECK(kind_of([&] { restore_backup(maker.settings(), options); }) == ErrorKind::usage);
        CHECK_FALSE(fs::exists(maker.dir / "data"));
    }
    SECTION("nothing but a tablespace's folder is put there") {
        BackupMaker maker;
        maker.label.tablespaces = {{16384, "fast", maker.dir / "ssh"}};
        maker.files["pg_tblspc/16384/authorized_keys"] = "key";
        maker.streams["16384"] = TarMaker().file("authorized_keys", "key").text();
        maker.put();
        refused_midway(maker);
        CHECK_FALSE(fs::exists(maker.dir / "ssh/authorized_keys"));
    }
}

TEST_CASE("signals and settings of an earlier recovery do not come into force again") {
    BackupMaker maker;
    maker.files["standby.signal"] = "";
    maker.files["recovery.signal"] = "";
    maker.files["postgresql.auto.conf"] =
        "recovery_target_xid = '7'\nlog_directory = '/var/lib/postgresql/15/main/log'\n";
    maker.put();
    RestoreOptions options = maker.options();
    options.wish.target.kind = TargetKind::immediate;
    options.no_archiving = true;
    restore_backup(maker.settings(), options);
    CHECK_FALSE(fs::exists(maker.dir / "data/standby.signal"));
    const std::string conf = maker.restored("postgresql.auto.conf");
    CHECK(conf.starts_with("# before the restore: recovery_target_xid = '7'\n"));
    CHECK(conf.find("\nrecovery_target") == std::string::npos);
    CHECK(maker.restored(std::string(recovery_file)).find("recovery_target = 'immediate'") !=
          std::string::npos);
    CHECK(conf.find("log_directory = '" + (maker.dir / "data/log")) != std::string::npos);
    CHECK(conf.find("archive_mode = 'off'") != std::string::npos);
}

TEST_CASE("configuration that lay outside the data directory is in it afterwards, and in force") {
    BackupMaker maker;
    for (const char* path : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}) maker.files.erase(path);
    const std::string etc = "etc/postgresql/15/main/";
    maker.label.config_files = {"/" + etc + "postgresql.conf", "/" + etc + "pg_hba.conf",
                                "/" + etc + "conf.d/more.conf"};
    maker.label.config_file = maker.label.config_files[0];
    maker.label.hba_file = maker.label.config_files[1];
    maker.streams["config"] =
        TarMaker()
            .file(etc + "postgresql.conf",
                  "data_directory = '/var/lib/postgresql/15/main'\ninclude_dir = 'conf.d'\n")
            .file(etc + "pg_hba.conf", "local all all trust\n")
            .file(etc + "conf.d/more.conf", "hba_file = '/etc/x'\nport = 5433\n")
            .text();
    maker.put();
    restore_backup(maker.settings(), maker.options());
    CHECK(maker.restored("postgresql.conf").find("include 'walferry-config/" + etc + "postgresql.conf'") !=
          std::string::npos);
    CHECK(maker.restored("pg_hba.conf") == "local all all trust\n");
    CHECK(maker.restored("walferry-config/" + etc + "conf.d/more.conf").find("\nport = 5433\n") !=
          std::string::npos);
    CHECK(maker.restored("walferry-config/" + etc + "conf.d/more.conf")
              .starts_with("# before the restore: hba_file"));
}

TEST_CASE("a file that is not in the label's list is no configuration") {
    BackupMaker maker;
    maker.label.config_files = {"/etc/postgresql.conf"};
    maker.streams["config"] = TarMaker().file("etc/shadow", "x").text();
    maker.put();
    refused_midway(maker);
}

TEST_CASE("a backup from the middle of an earlier restore's configuration does not collide with it") {
    BackupMaker maker;
    maker.files["walferry-config/etc/postgresql.conf"] = "port = 1\n";
    maker.files.erase("postgresql.conf");
    maker.label.config_files = {"/etc/postgresql.conf"};
    maker.label.config_file = "/etc/postgresql.conf";
    maker.streams["config"] = TarMaker().file("etc/postgresql.conf", "port = 2\n").text();
    maker.put();
    restore_backup(maker.settings(), maker.options());
    CHECK(maker.restored("walferry-config/etc/postgresql.conf") == "port = 1\n");
    CHECK(maker.restored("walferry-config-again/etc/postgresql.conf") == "port = 2\n");
}
