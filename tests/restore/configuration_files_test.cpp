#include "restore/configuration_files.hpp"

#include <sys/stat.h>

#include "tests/catch.hpp"
#include "tests/common/codec/backup_sample.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::test;

namespace {

/// The configuration of sample_label()'s server, restored into a new directory.
struct Restored {
    BackupLabel label = sample_label();
    BackedUpConfiguration had;
    TempDir dir;
    std::vector<std::string> notes;

    Restored() {
        had.folder = "walferry-config";
        label.data_directory = "/old/data";
    }
    void write() {
        const Directory root = os::open_directory(dir.path());
        TreeWriter tree(root);
        notes = write_configuration(tree, dir.path(), label, had, "", 0640);
    }
    std::string text(const std::string& path) const { return read_file(dir / path); }
};

}  // namespace

TEST_CASE("configuration that lay behind links in the data directory lies in it after a restore") {
    Restored restored;
    restored.label.config_file = "/old/data/postgresql.conf";
    restored.label.hba_file = "/old/data/pg_hba.conf";
    restored.had.has_ident = true;
    restored.had.outside = {{"/old/data/postgresql.conf", "include_dir = 'conf.d'\nport = 5433\n"},
                            {"/old/data/conf.d/a.conf", "data_directory = '/old/data'\n"},
                            {"/old/data/pg_hba.conf", "local all all peer\n"},
                            {"/old/data/server.key", "secret"}};
    restored.write();
    CHECK(restored.text("postgresql.conf") == "include_dir = 'conf.d'\nport = 5433\n");
    CHECK(restored.text("conf.d/a.conf") == "# before the restore: data_directory = '/old/data'\n");
    CHECK(restored.text("pg_hba.conf") == "local all all peer\n");
    CHECK(restored.text("server.key") == "secret");
    struct stat status {};
    REQUIRE(::lstat((restored.dir / "server.key").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(restored.notes.empty());
}

TEST_CASE("what pg_hba.conf includes and takes lists from is found where it is after a restore") {
    Restored restored;
    restored.label.hba_file = "/etc/pg/pg_hba.conf";
    restored.had.has_postgresql_conf = restored.had.has_ident = true;
    restored.had.outside = {{"/etc/pg/pg_hba.conf",
                             "include more.conf\ninclude_dir /etc/pg/hba.d\ninclude /gone.conf\n"
                             "include_if_exists /nor.conf\nlocal @/old/data/dbs @roles peer\n"},
                            {"/etc/pg/more.conf", "local all @/etc/pg/roles trust\n"},
                            {"/etc/pg/hba.d/x.conf", "host all all ::1/128 md5\n"},
                            {"/etc/pg/roles", "anna\n"}};
    restored.write();
    const std::string at = restored.dir.path() + "/walferry-config/etc/pg/";
    CHECK(restored.text("pg_hba.conf") ==
          "include \"" + at + "more.conf\"\ninclude_dir \"" + at +
              "hba.d\"\n# before the restore: include /gone.conf\n# before the restore: include_if_exists "
              "/nor.conf\nlocal @\"" +
              restored.dir.path() + "/dbs\" @\"" + at + "roles\" peer\n");
    CHECK(restored.text("walferry-config/etc/pg/more.conf") == "local all @\"" + at + "roles\" trust\n");
    CHECK(restored.text("walferry-config/etc/pg/hba.d/x.conf") == "host all all ::1/128 md5\n");
    CHECK(restored.text("walferry-config/etc/pg/roles") == "anna\n");
    REQUIRE(restored.notes.size() == 1);
    CHECK(restored.notes[0].find("/gone.conf") != std::string::npos);
}

TEST_CASE("pg_hba.conf in the data directory is adapted too, under whatever name the server had it") {
    Restored restored;
    restored.label.hba_file = "/old/data/sub/access.conf";
    restored.had.has_postgresql_conf = restored.had.has_hba = restored.had.has_ident = true;
    restored.had.postgresql_conf = "hba_file = '/old/data/sub/access.conf'\n";
    restored.had.hba = "include more.conf\ninclude /old/data/x.conf\nlocal all @/etc/roles peer\n";
    restored.had.outside = {{"/etc/roles", "anna\n"}};
    restored.write();
    const std::string& here = restored.dir.path();
    CHECK(restored.text("postgresql.conf") ==
          "# before the restore: hba_file = '/old/data/sub/access.conf'\nhba_file = '" + here +
              "/sub/access.conf'\n");
    CHECK(restored.text("sub/access.conf") == "include \"" + here + "/sub/more.conf\"\ninclude \"" + here +
                                                  "/x.conf\"\nlocal all @\"" + here +
                                                  "/walferry-config/etc/roles\" peer\n");
}

TEST_CASE("files that initdb left in the data directory do not replace those that the server used") {
    Restored restored;
    restored.label.config_file = "/etc/pg/postgresql.conf";
    restored.label.hba_file = "/etc/pg/pg_hba.conf";
    restored.had.has_postgresql_conf = restored.had.has_hba = restored.had.has_ident = true;
    restored.had.postgresql_conf = "port = 1\n";
    restored.had.hba = "local all all trust\n";
    restored.had.outside = {{"/etc/pg/postgresql.conf", "port = 2\n"},
                            {"/etc/pg/pg_hba.conf", "local all all peer\n"}};
    restored.write();
    CHECK(restored.text("postgresql.conf").find("include 'walferry-config/etc/pg/postgresql.conf'") !=
          std::string::npos);
    CHECK(restored.text("walferry-config/etc/pg/postgresql.conf") == "port = 2\n");
    CHECK(restored.text("pg_hba.conf") == "local all all peer\n");
}
