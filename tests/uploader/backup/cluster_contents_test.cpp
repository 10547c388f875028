#include "uploader/backup/cluster_contents.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::backup;
using namespace walferry::server;

namespace {

using Missing = std::vector<std::string>;

ServerNotice skipping(const std::string& message) {
    return {"WARNING", message, "sendDir"};
}

ReceivedContents whole() {
    ReceivedContents received({"conf.d/a.conf"});
    for (const char* file : {"PG_VERSION", "postgresql.conf", "global/pg_control", "base/1/PG_VERSION",
                             "base/5/PG_VERSION", "base/5/1259"})
        received.seen("base", file, '0');
    received.seen("16384", "PG_15_202209061/16400/PG_VERSION", '0');
    return received;
}

ExpectedContents expected() {
    ExpectedContents contents;
    contents.cluster.databases = {{1, 1663, "template1"}, {5, 1663, "postgres"}, {16400, 16384, "app"}};
    contents.cluster.tablespaces = {{16384, "fast"}};
    contents.streamed_tablespaces = {16384};
    contents.configuration = {"postgresql.conf"};
    contents.log_directory = "log";
    return contents;
}

}  // namespace

TEST_CASE("a backup with all databases, tablespaces and configuration lacks nothing") {
    CHECK(what_is_missing(whole(), expected()) == Missing());
}

TEST_CASE("a skipped path is read whatever the server's language") {
    CHECK(skipped_path(skipping("skipping special file \"./base/5/x\"")) == "base/5/x");
    CHECK(skipped_path(skipping("überspringe besondere Datei »./postgresql.conf«")) == "postgresql.conf");
    CHECK(skipped_path(skipping("ignore le fichier spécial « ./a b »")) == "a b");
    CHECK(skipped_path(skipping("skipping special file \"pg_tblspc/16384/PG_15_1/5/2\"")) ==
          "pg_tblspc/16384/PG_15_1/5/2");
    CHECK_FALSE(skipped_path({"NOTICE", "skipping special file \"./x\"", "sendDir"}));
    CHECK_FALSE(skipped_path({"WARNING", "checksum verification failed in file \"./base/1/2\"", "sendFile"}));
}

TEST_CASE("sockets, the log and configuration that came otherwise are skipped without a word") {
    ReceivedContents received = whole();
    for (const char* path : {".s.PGSQL.5432", "log", "conf.d", "server.key"})
        CHECK(received.heard(skipping(std::string("skipping special file \"./") + path + "\"")));
    ExpectedContents contents = expected();
    contents.elsewhere = {"conf.d/a.conf", "server.key"};
    CHECK(what_is_missing(received, contents) == Missing());
    contents.elsewhere = {"server.key"};
    CHECK(what_is_missing(received, contents).size() == 1);
    contents.log_directory.clear();
    CHECK(what_is_missing(received, contents).size() == 2);
}

TEST_CASE("a database whose directory is a link elsewhere is missing, and named") {
    ReceivedContents received = whole();
    for (int times = 0; times < 2; ++times)
        CHECK(received.heard(skipping("skipping special file \"./base/16390\"")));
    ExpectedContents contents = expected();
    contents.cluster.databases.push_back({16390, 1663, "shop"});
    const Missing missing = what_is_missing(received, contents);
    REQUIRE(missing.size() == 2);
    CHECK(missing[0].starts_with("base/16390, which is a link"));
    CHECK(missing[1] == "database \"shop\" (base/16390)");
}

TEST_CASE("tablespaces and databases in them that did not come are missing") {
    ExpectedContents contents = expected();
    contents.cluster.tablespaces.emplace(16500, "in place");
    contents.cluster.databases.push_back({16600, 16384, "other"});
    CHECK(
        what_is_missing(whole(), contents) ==
        Missing{"database \"other\" (database 16600 in pg_tblspc/16384)", "tablespace \"in place\" (16500)"});
    ReceivedContents received = whole();
    received.seen("base", "pg_tblspc/16500", '5');
    received.seen("16384", "PG_15_202209061/16600/PG_VERSION", '0');
    CHECK(what_is_missing(received, contents) == Missing());
}

TEST_CASE("configuration below the data directory that did not come is missing") {
    ExpectedContents contents = expected();
    contents.configuration.emplace_back("pg_hba.conf");
    CHECK(what_is_missing(whole(), contents) == Missing{"configuration file pg_hba.conf"});
    contents.elsewhere = {"pg_hba.conf"};
    CHECK(what_is_missing(whole(), contents) == Missing());
    CHECK(what_is_missing(ReceivedContents(), ExpectedContents()) ==
          Missing{"PG_VERSION", "global/pg_control"});
}

TEST_CASE("a warning that is not known makes a backup incomplete, one about checksums does not") {
    ReceivedContents received = whole();
    CHECK_FALSE(received.heard({"NOTICE", "hello", "do_pg_backup_stop"}));
    CHECK_FALSE(
        received.heard({"WARNING", "checksum verification failed in file \"./base/1/2\"", "sendFile"}));
    CHECK(received.heard(
        {"WARNING", "symbolic link \"pg_tblspc/1\" target is too long", "do_pg_backup_start"}));
    CHECK(what_is_missing(received, expected()) ==
          Missing{"what the server warned of: symbolic link \"pg_tblspc/1\" target is too long"});
}

TEST_CASE("what was created or dropped while a backup was made is left to the WAL") {
    ClusterContents before = expected().cluster;
    ClusterContents after = before;
    before.databases.push_back({20000, 1663, "dropped"});
    before.tablespaces.emplace(20001, "dropped");
    after.databases.push_back({20002, 1663, "created"});
    after.databases[1].tablespace = 16384;  // moved
    const ClusterContents both = in_both(before, after);
    REQUIRE(both.databases.size() == 2);
    CHECK(both.databases[0].name == "template1");
    CHECK(both.databases[1].name == "app");
    CHECK(both.tablespaces.size() == 1);
}
