#include "server/server_hint.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::server;

TEST_CASE("a file that the server cannot read is told from a right that the role lacks") {
    const auto speaks_of = [](const ServerErrorOrigin& origin, const char* words) {
        return server_hint(origin).find(words) != std::string::npos;
    };
    CHECK(speaks_of({"42501", "basebackup.c", "sendFile"}, "chown"));
    CHECK(speaks_of({"42501", "fd.c", "ReadDirExtended"}, "chown"));
    CHECK(speaks_of({"42501", "../src/backend/storage/file/fd.c", "AllocateDir"}, "chown"));
    CHECK(speaks_of({"42501", "genfile.c", "read_binary_file"}, "chown"));
    CHECK(speaks_of({"42501", "genfile.c", "convert_and_check_filename"}, "the role lacks a right"));
    CHECK(speaks_of({"42501", "aclchk.c", "aclcheck_error"}, "the role lacks a right"));
    CHECK(speaks_of({"42501", "", ""}, "the role lacks a right"));
    CHECK(speaks_of({"XX001", "basebackup.c", "perform_base_backup"}, "pg_amcheck"));
    CHECK(server_hint({"53300", "proc.c", "InitProcess"}).empty());
}
