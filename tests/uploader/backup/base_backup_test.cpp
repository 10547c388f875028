#include "uploader/backup/base_backup.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "uploader/backup/config_files.hpp"

using namespace walferry;
using namespace walferry::backup;

TEST_CASE("a server before PostgreSQL 15 is refused as wrong configuration, by its version's own name") {
    for (const auto& [number, text] : {std::pair(140009, "14.9"), {130000, "13.0"}, {90624, "9.6.24"}}) {
        try {
            require_supported_server(number);
            FAIL("was not refused");
        } catch (const Error& error) {
            CHECK(traits(error.kind()).exit_code == 2);
            CHECK(error.message().find(text) != std::string::npos);
        }
    }
    CHECK_NOTHROW(require_supported_server(150000));
    CHECK_NOTHROW(require_supported_server(180001));
    CHECK(server_version_text(150014) == "15.14");
}

TEST_CASE("a base backup is asked for with a manifest, and without waiting for the archiver") {
    BaseBackupOptions options;
    options.label = "before Anna's migration";
    CHECK(base_backup_command(options) ==
          "BASE_BACKUP (LABEL 'before Anna''s migration', PROGRESS true, CHECKPOINT 'fast', WAIT false, "
          "TABLESPACE_MAP true, MANIFEST 'yes')");
    options.fast_checkpoint = false;
    options.max_rate_kib = 2048;
    options.verify_checksums = false;
    const std::string command = base_backup_command(options);
    CHECK(command.find("CHECKPOINT 'spread'") != std::string::npos);
    CHECK(command.find("MAX_RATE 2048") != std::string::npos);
    options.tablespace_links = true;
    CHECK(base_backup_command(options).find("TABLESPACE_MAP false") != std::string::npos);
    CHECK(command.find("VERIFY_CHECKSUMS false") != std::string::npos);
}

TEST_CASE("only the archives that a base backup consists of are taken from a server") {
    CHECK(stream_of_archive("base.tar") == "base");
    CHECK(stream_of_archive("16384.tar") == "16384");
    for (const char* name : {"", "base", ".tar", "label.tar", "manifest.tar", "config.tar", "../base.tar",
                             "0.tar", "pg_wal.tar", "16384.tar.gz", "99999999999.tar"}) {
        INFO(name);
        CHECK_FALSE(stream_of_archive(name));
    }
}

TEST_CASE("a file counts as part of a directory only below it") {
    CHECK(inside_directory("/data/postgresql.conf", "/data"));
    CHECK(inside_directory("/data/conf.d/a.conf", "/data/"));
    CHECK_FALSE(inside_directory("/data2/postgresql.conf", "/data"));
    CHECK_FALSE(inside_directory("/data", "/data"));
    CHECK_FALSE(inside_directory("/etc/postgresql.conf", "/data"));
}
