#include "common/settings/settings.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/error.hpp"
#include "common/settings/settings_reader.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace std::chrono_literals;

namespace {

const std::string recipient = "age1" + std::string(58, 'q');
const std::string other_recipient = "age1" + std::string(58, 'p');

/// The shortest configuration that is right, with room for more before and after it.
std::string with(const std::string& top, const std::string& end = {}) {
    return top + "\n[encryption]\nrecipients = [\"" + recipient + "\"]\n[[store]]\nname = \"nas\"\n" +
           "type = \"directory\"\npath = \"/mnt/nas\"\n" + end;
}

std::string s3(const std::string& keys, const std::string& endpoint = "https://s3.example.com") {
    return with("", "[[store]]\nname = \"s3\"\ntype = \"s3\"\nendpoint = \"" + endpoint +
                        "\"\nbucket = \"wal\"\ncredentials_file = \"c\"\n" + keys);
}

SettingsReport parse(const std::string& text) {
    return parse_settings(text, "/etc/w/w.toml", "");
}

/// The one problem of a text; fails the test where there are none or several.
std::string problem(const std::string& text) {
    const SettingsReport report = parse(text);
    std::string all;
    for (const std::string& line : report.problems) all += line + "\n";
    INFO(all);
    REQUIRE(report.problems.size() == 1);
    return report.problems.front();
}

void check_contains(const std::string& text, const std::string& part) {
    INFO(text << "\nshould hold: " << part);
    CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a configuration with nothing but recipients and a store gets every default") {
    const SettingsReport report = parse(with(""));
    REQUIRE(report.problems.empty());
    const Settings& s = report.settings;
    CHECK(s.file == "/etc/w/w.toml");
    CHECK(s.cluster == "main");
    CHECK(s.spool == "/var/spool/walferry/main");
    CHECK(s.jobs >= 1);
    CHECK(s.jobs <= 4);
    CHECK(s.work_dir == "/var/tmp");
    CHECK(s.compression_level == 3);
    CHECK(s.encrypt);
    CHECK(s.recipients == std::vector{recipient});
    REQUIRE(s.stores.size() == 1);
    CHECK(s.stores[0].type == StoreType::directory);
    CHECK(s.stores[0].path == "/mnt/nas");
}

TEST_CASE("the defaults of the table and those of the structure are the same") {
    const Settings s = parse(s3("")).settings;
    REQUIRE(s.stores.size() == 2);
    const StoreSettings& store = s.stores[1];
    const StoreSettings plain;
    CHECK(store.connect_timeout == plain.connect_timeout);
    CHECK(store.silence_timeout == plain.silence_timeout);
    CHECK(store.attempts == plain.attempts);
    CHECK(store.bandwidth_limit == plain.bandwidth_limit);
    CHECK(store.allow_http == plain.allow_http);
    CHECK(store.addressing == plain.addressing);
    CHECK(s.compression_level == Settings().compression_level);
    CHECK(s.encrypt == Settings().encrypt);
}

TEST_CASE("every key of an S3 store is read") {
    const SettingsReport report = parse(s3(
        "region = \"auto\"\nprefix = \"a/b\"\nrestore_credentials_file = \"/r\"\naddressing = \"virtual\"\n"
        "ca_file = \"ca.pem\"\nconnect_timeout = \"500ms\"\nsilence_timeout = 7\nattempts = 2\n"
        "bandwidth_limit = \"10MiB/s\"\nallow_http = true\n"));
    REQUIRE(report.problems.empty());
    const StoreSettings& s = report.settings.stores[1];
    CHECK(s.endpoint == "https://s3.example.com");
    CHECK(s.region == "auto");
    CHECK(s.prefix == "a/b");
    CHECK(s.credentials_file == "/etc/w/c");
    CHECK(s.restore_credentials_file == "/r");
    CHECK(s.addressing == Addressing::virtual_host);
    CHECK(s.ca_file == "/etc/w/ca.pem");
    CHECK(s.connect_timeout == 500ms);
    CHECK(s.silence_timeout == 7s);
    CHECK(s.attempts == 2);
    CHECK(s.bandwidth_limit == 10U << 20);
    CHECK(s.allow_http);
}

TEST_CASE("a problem names file, line, column and key") {
    const std::string line = problem(with("cluster = \"main\"\njobs = 65"));
    CHECK(line.rfind("/etc/w/w.toml:2:8: jobs: must be a whole number from 1 to 64, not 65", 0) == 0);
}

TEST_CASE("all problems of a file are reported in its order, not only the first") {
    const auto report = parse("cluster = \"a b\"\njobs = 0\nwork_dir = \"tmp\"\n");
    REQUIRE(report.problems.size() == 5);
    check_contains(report.problems[0], ":1:11: cluster: \"a b\" is no name");
    check_contains(report.problems[1], ":2:8: jobs:");
    check_contains(report.problems[2], ":3:12: work_dir: \"tmp\" is not an absolute path");
    check_contains(report.problems[3], "encryption.recipients: is missing");
    check_contains(report.problems[4], "store: is missing");
}

TEST_CASE("a misspelt key is refused and the nearest one is suggested") {
    check_contains(problem(with("job = 2")), ":1:1: job: is no key known here; did you mean jobs?");
    check_contains(problem(s3("end_point = \"x\"")),
                   "store.end_point: is no key known here; did you mean endpoint?");
    check_contains(problem(with("[compresion]\nlevel = 3")), "did you mean compression?");
    check_contains(problem(with("colour = 1")), "`walferry config --help` lists all keys");
}

TEST_CASE("a key in the wrong table is sent to the right one") {
    check_contains(problem(with("level = 3")), "level: is no key known here; it belongs under [compression]");
    check_contains(problem(with("endpoint = \"https://a\"")), "it belongs under a [[store]]");
    check_contains(problem(with("", "jobs = 3")), "store.jobs: is no key known here; it belongs to the top");
}

TEST_CASE("a secret in the configuration is refused and not repeated") {
    const std::string secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQ";
    const std::string as_recipient =
        "[encryption]\nrecipients = [\"age-secret-key-1QQQQQQQQQQQQ\"]\n"
        "[[store]]\nname = \"n\"\ntype = \"directory\"\npath = \"/n\"\n";
    for (const std::string& text :
         {with("work_dir = \"" + secret + "\""), with("cluster = \"" + secret + "\""),
          s3("addressing = \"" + secret + "\""), as_recipient}) {
        const std::string line = problem(text);
        check_contains(line, "is a secret key");
        CHECK(line.find("1QQQ") == std::string::npos);
    }
    const std::string key = problem(s3("secret_access_key = \"hunter2\""));
    check_contains(key, "keys belong into a file of their own that credentials_file names");
    CHECK(key.find("hunter2") == std::string::npos);
    const std::string url = problem(s3("", "https://key:hunter2@s3.example.com"));
    check_contains(url, "user information");
    CHECK(url.find("hunter2") == std::string::npos);
    for (const char* conninfo : {"user=a password=hunter2", "postgresql://a:hunter2@localhost/db"}) {
        const std::string line = problem(with(std::string("[server]\nconninfo = \"") + conninfo + "\""));
        check_contains(line, "server.conninfo: holds a password");
        CHECK(line.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("a connection string holds a password only where it gives one") {
    const auto said = [](const std::string& conninfo) {
        const auto problems = parse(with("[server]\nconninfo = \"" + conninfo + "\"")).problems;
        return problems.size() == 1 && problems[0].find("holds a password") != std::string::npos;
    };
    for (const char* fine :
         {"host=/run user=a passfile=/run/secrets/db_password", "host=password.example.com user=password",
          "user = a options='-c x=y password'", "postgresql://a@localhost/db?passfile=/etc/db_password",
          "postgresql://localhost:5432/db?application_name=a@b", "user=a\\\\ password\\\\=x", ""}) {
        INFO(fine);
        CHECK_FALSE(said(fine));
    }
    for (const char* holds : {"password=x", "user=a  password = x", "host='a b'password=x", "sslpassword=x",
                              "postgresql://a:b@localhost/db", "postgresql://localhost/db?password=x",
                              "postgresql://localhost/db?user=a&sslpassword=x", "user=a geheim password"}) {
        INFO(holds);
        CHECK(said(holds));
    }
}

TEST_CASE("plain http is refused except on this host or where it is asked for") {
    check_contains(problem(s3("", "http://s3.example.com")), "is plain http; use https");
    check_contains(problem(s3("", "http://127.example.com:80")), "is plain http; use https");
    check_contains(problem(s3("", "http://localhost.example.com")), "is plain http; use https");
    for (const char* fine :
         {"http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000", "http://a.localhost"}) {
        CHECK(parse(s3("", fine)).problems.empty());
    }
    CHECK(parse(s3("allow_http = true", "http://s3.example.com")).problems.empty());
}

TEST_CASE("an endpoint is a scheme, a host and perhaps a port") {
    for (const char* wrong : {"s3.example.com", "HTTPS://a", "ftp://a", "https://", "https://a:0",
                              "https://a:65536", "https://a:", "https://a:8x", "https://a:0443",
                              "https://a b", "https://a/wal", "https://a?x", "https://a#x", "https://a..b",
                              "https://-a", "https://[::1", "https://::1", "https://[zz]", "https://a//"}) {
        INFO(wrong);
        check_contains(problem(s3("", wrong)), "write https://HOST");
    }
    CHECK(parse(s3("", "https://a.example.com:8443/")).settings.stores.at(1).endpoint ==
          "https://a.example.com:8443");
    CHECK(parse(s3("", "https://S3.Example.com")).settings.stores.at(1).endpoint == "https://s3.example.com");
    check_contains(problem(s3("addressing = \"virtual\"", "https://10.0.0.1")),
                   "no bucket name can stand before it");
}

TEST_CASE("names, buckets and prefixes that would break a key are refused") {
    const auto store = [](const std::string& bucket, const std::string& prefix) {
        return with(
            "",
            "[[store]]\nname = \"s3\"\ntype = \"s3\"\nendpoint = \"https://a\"\ncredentials_file = \"c\"\n" +
                ("bucket = \"" + bucket + "\"\nprefix = \"" + prefix + "\"\n"));
    };
    REQUIRE(parse(store("my-bucket.1", "a/b.c/d_e")).problems.empty());
    for (const char* bucket : {"", "ab", "Wal", "wal_x", "-wal", "wal-", "a..b", "wal/x"}) {
        INFO(bucket);
        check_contains(problem(store(bucket, "")), "is no bucket name");
    }
    for (const char* prefix : {"/a", "a/", "a//b", "a/./b", "..", "a/..", "a b", "a%20", "ä"}) {
        INFO(prefix);
        check_contains(problem(store("wal", prefix)), "store.prefix: ");
    }
    for (const char* cluster : {"", "-a", ".a", "a/b", "a b"}) {
        INFO(cluster);
        check_contains(problem(with(std::string("cluster = \"") + cluster + "\"")), "is no name");
    }
    check_contains(problem(with("cluster = \"" + std::string(65, 'a') + "\"")), "is no name");
}

TEST_CASE("recipients must be there, look like public keys, and differ") {
    const auto list = [](const std::string& value) {
        return "[encryption]\n" + value + "\n[[store]]\nname=\"n\"\ntype=\"directory\"\npath=\"/n\"\n";
    };
    check_contains(problem(list("")), "encryption.recipients: is missing");
    check_contains(problem(list("recipients = []")), "encryption.recipients: is missing");
    check_contains(problem(list("recipients = [\"age1...\"]")), "entry 1: \"age1...\" is no recipient");
    check_contains(problem(list("recipients = [\"" + recipient + "q\"]")), "is no recipient");
    check_contains(problem(list("recipients = [\"age1" + std::string(58, 'b') + "\"]")), "is no recipient");
    check_contains(problem(list("recipients = [\"ssh-ed25519 AAAA\"]")), "an SSH key is no recipient");
    check_contains(problem(list("recipients = [\"" + recipient + "\", \"" + recipient + "\"]")),
                   "entry 2 is there twice");
    check_contains(problem(list("recipients = \"" + recipient + "\"")), "must be a list of texts");
    check_contains(problem(list("recipients = [1]")), "that holds a whole number");
    check_contains(problem(list("none = \"true\"")), "none: must be true or false");
    check_contains(problem(list("none = true\nrecipients = [\"" + recipient + "\"]")),
                   "contradicts none = true");
    const auto plain = parse(list("none = true"));
    CHECK(plain.problems.empty());
    CHECK_FALSE(plain.settings.encrypt);
    const auto two = parse(list("recipients = [\"" + recipient + "\", \"" + other_recipient + "\"]"));
    CHECK(two.problems.empty());
    CHECK(two.settings.recipients.size() == 2);
}

TEST_CASE("a trusted writer is a whole public key") {
    const std::string writer = "walferry-writer1" + std::string(58, 'q');
    const auto trusting = [](const std::string& key) {
        return with("[signing]\ntrusted_writers = [\"" + key + "\"]");
    };
    CHECK(parse(trusting(writer)).settings.trusted_writers == std::vector{writer});
    check_contains(problem(trusting(writer + "q")), "entry 1: \"walferry-writer1");
    check_contains(problem(trusting(recipient)), "is no writer's public key");
    check_contains(problem(trusting("WALFERRY-WRITER-KEY-1QQQ")), "is a secret key");
}

TEST_CASE("stores must be there, have names of their own and be different places") {
    const std::string top = "[encryption]\nnone = true\n";
    const std::string nas = "[[store]]\nname = \"nas\"\ntype = \"directory\"\npath = \"/mnt/nas\"\n";
    check_contains(problem(top), "store: is missing; add at least one [[store]]");
    check_contains(problem(top + "[store]\nname = \"x\"\n"), "two brackets");
    check_contains(
        problem(top + nas + "[[store]]\nname = \"nas\"\ntype = \"directory\"\npath = \"/mnt/b\"\n"),
        "store.name: \"nas\" is taken");
    check_contains(
        problem(top + nas + "[[store]]\nname = \"b\"\ntype = \"directory\"\npath = \"/mnt/nas/\"\n"),
        "are the same place");
    check_contains(
        problem(top +
                "[[store]]\nname = \"b\"\ntype = \"directory\"\npath = \"/var/spool/walferry/main/x\"\n"),
        "lies in the spool");
}

TEST_CASE("a store's keys must fit its type") {
    const std::string top = "[encryption]\nnone = true\n[[store]]\nname = \"x\"\n";
    check_contains(problem(top + "type = \"directory\"\npath = \"/x\"\nbucket = \"wal\"\n"),
                   "store.bucket: is a key of type = \"s3\"");
    check_contains(problem(top + "type = \"directory\"\n"), "store.path: is missing");
    check_contains(problem(top + "type = \"ftp\"\npath = \"/x\"\n"),
                   "must be \"s3\" or \"directory\", not \"ftp\"");
    check_contains(problem(top + "path = \"/x\"\n"), "store.type: is missing");
    check_contains(problem(top + "type = \"s3\"\nendpoint = \"https://a\"\nbucket = \"wal\"\n"),
                   "store.credentials_file: is missing");
}

TEST_CASE("times and sizes outside their range or form are refused") {
    for (const char* wrong : {"\"5 parsecs\"", "\"-5s\"", "\"\"", "\"99ms\"", "\"1h\"", "0", "-1", "\"5s \"",
                              "\"99999999999999999999s\""}) {
        INFO(wrong);
        check_contains(problem(s3(std::string("connect_timeout = ") + wrong)), "must be a time such as");
    }
    check_contains(problem(s3("connect_timeout = 1.5")), "not a number with a fraction");
    for (const char* wrong : {"\"10\xC2\xB5\"", "\"fast\"", "-1", "1", "\"99999999999GiB\""}) {
        INFO(wrong);
        check_contains(problem(s3(std::string("bandwidth_limit = ") + wrong)), "must be bytes per second");
    }
    CHECK(parse(s3("bandwidth_limit = 0")).problems.empty());
    CHECK(parse(s3("bandwidth_limit = 20000000")).settings.stores.at(1).bandwidth_limit == 20'000'000);
    check_contains(problem(s3("attempts = 21")), "from 1 to 20, not 21");
    check_contains(problem(s3("attempts = 9999999999999")), "from 1 to 20");
}

TEST_CASE("what is no TOML is refused with its line") {
    check_contains(problem("cluster = \"main\"\njobs =\n"), "/etc/w/w.toml:2:");
    check_contains(problem("jobs = 1\njobs = 2\n"), "not valid TOML");
    check_contains(problem("jobs = \"\xff\xfe\"\n"), "not valid TOML");
    check_contains(problem(with("server = 5")), "server: is a table of its own; write [server]");
}

TEST_CASE("a text with line breaks stays one line in the message") {
    const auto report = parse(with("cluster = \"a\\nb\""));
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].find('\n') == std::string::npos);
}

TEST_CASE("a relative file name is looked for beside the credentials, then beside the configuration") {
    const test::TempDir credentials;
    credentials.write("c", "");
    const auto here = parse_settings(s3("ca_file = \"ca.pem\""), "/etc/w/w.toml", credentials.path());
    REQUIRE(here.problems.empty());
    CHECK(here.settings.stores[1].credentials_file == credentials.path() + "/c");
    CHECK(here.settings.stores[1].ca_file == "/etc/w/ca.pem");
}

TEST_CASE("a file within a folder is found as systemd names it, then in that folder") {
    const test::TempDir credentials;
    credentials.write("keys_r2", "");
    const auto here = parse_settings(s3("restore_credentials_file = \"keys/r2\"\nca_file = \"keys/ca\""),
                                     "/etc/w/w.toml", credentials.path());
    REQUIRE(here.problems.empty());
    CHECK(here.settings.stores[1].restore_credentials_file == credentials.path() + "/keys_r2");
    CHECK(here.settings.stores[1].ca_file == "/etc/w/keys/ca");
}

TEST_CASE("a file that is missing, no file, too large or writable by everybody is refused") {
    const test::TempDir folder;
    const auto error = [](const std::string& file) -> std::string {
        try {
            load_settings(file);
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::config);
            return e.what();
        }
        return "read";
    };
    check_contains(error(folder.path() + "/none"), "no configuration file " + folder.path() + "/none");
    check_contains(error(folder.path()), "not a regular file");
    REQUIRE(::mkfifo((folder.path() + "/fifo").c_str(), 0600) == 0);
    check_contains(error(folder.path() + "/fifo"), "not a regular file");
    check_contains(error(folder.write("large", std::string((1 << 20) + 1, '#'))), "larger than 1 MiB");
    const std::string file = folder.write("open", with(""));
    CHECK(error(file) == "read");
    REQUIRE(::symlink(file.c_str(), (folder.path() + "/link").c_str()) == 0);
    CHECK(error(folder.path() + "/link") == "read");
    REQUIRE(::chmod(file.c_str(), 0646) == 0);
    check_contains(error(file), "everybody may write it");
    check_contains(error(folder.write("two", "jobs = 0\nx = 1\n")),
                   "`walferry config` lists this and 3 more");
}

TEST_CASE("--config wins over WALFERRY_CONFIG, which wins over the usual place") {
    ::unsetenv("WALFERRY_CONFIG");
    CHECK(settings_path(std::nullopt) == "/etc/walferry/walferry.toml");
    ::setenv("WALFERRY_CONFIG", "/a.toml", 1);
    CHECK(settings_path(std::nullopt) == "/a.toml");
    CHECK(settings_path("/b.toml") == "/b.toml");
    ::unsetenv("WALFERRY_CONFIG");
}

TEST_CASE("the sample is right once its place-holders are filled in, and refused before that") {
    std::string text = sample_settings();
    check_contains(problem(text), "encryption.recipients: entry 1: \"age1...\" is no recipient");
    text.replace(text.find("\"age1...\", \"age1...\""), 20, "\"" + recipient + "\"");
    const auto report = parse(text);
    INFO((report.problems.empty() ? "" : report.problems.front()));
    CHECK(report.problems.empty());
    CHECK(report.settings.stores.size() == 2);
}

TEST_CASE("the settings in force can be read back as a configuration") {
    const Settings before =
        parse(s3("prefix = \"p\"\nconnect_timeout = \"1500ms\"\nbandwidth_limit = \"1MiB\"")).settings;
    const auto again = parse(show_settings(before, SettingsFormat::toml));
    REQUIRE(again.problems.empty());
    CHECK(again.settings.recipients == before.recipients);
    REQUIRE(again.settings.stores.size() == 2);
    CHECK(again.settings.stores[1].connect_timeout == 1500ms);
    CHECK(again.settings.stores[1].bandwidth_limit == 1U << 20);
    CHECK(again.settings.stores[1].prefix == "p");
    CHECK(again.settings.stores[1].credentials_file == "/etc/w/c");
}

TEST_CASE("every key is explained by the help text") {
    const std::string help = settings_help();
    for (const char* key :
         {"cluster", "work_dir", "recipients", "trusted_writers", "silence_timeout", "path"}) {
        check_contains(help, std::string("  ") + key + " (");
    }
}

TEST_CASE("a slip of the pen finds its word, another word does not") {
    const std::vector<std::string> known{"jobs", "cluster", "endpoint", "path"};
    CHECK(nearest_name("cluter", known) == "cluster");
    CHECK(nearest_name("endpont", known) == "endpoint");
    CHECK(nearest_name("pat", known) == "path");
    CHECK(nearest_name("zebra", known).empty());
    CHECK(nearest_name(std::string(1000, 'a'), known).empty());
}

TEST_CASE("without [retention] nothing expires, and a store may say otherwise") {
    const Settings none = parse(with("")).settings;
    CHECK_FALSE(none.retention.expires());
    CHECK_FALSE(none.stores[0].retention.expires());

    const SettingsReport report = parse(
        with("[retention]\nrecovery_window = \"30d\"\nweekly = 4\n", "grace = \"3d\"\nkeep_backups = 5\n"));
    REQUIRE(report.problems.empty());
    const Retention& retention = report.settings.retention;
    CHECK(retention.recovery_window == std::chrono::days(30));
    CHECK(retention.keep_backups == 2);
    CHECK(retention.grace == std::chrono::days(1));
    CHECK(report.settings.stores[0].retention.policy() ==
          "recovery_window=30d keep_backups=5 daily=0 weekly=4 monthly=0 yearly=0 grace=3d");

    const Settings only = parse(with("", "recovery_window = \"2w\"\n")).settings;
    CHECK_FALSE(only.retention.expires());
    CHECK(only.stores[0].retention.recovery_window == std::chrono::days(14));
    for (const SettingsFormat format : {SettingsFormat::toml})
        CHECK(parse(show_settings(report.settings, format)).settings.stores[0].retention ==
              report.settings.stores[0].retention);
}

TEST_CASE("what deletes has to be said in full, with its unit") {
    check_contains(problem(with("[retention]\n")), "retention: is empty; set recovery_window");
    check_contains(problem(with("[retention]\nweekly = 4\n")), "retention.recovery_window: is missing");
    check_contains(problem(with("[retention]\nrecovery_window = \"30d\"\nkeep_backup = 3\n")),
                   "did you mean keep_backups?");
    for (const char* wrong :
         {"30", "\"30\"", "\"30m\"", "\"0d\"", "\"-3d\"", "\"1mo\"", "\"forever\"", "true"})
        check_contains(problem(with("[retention]\nrecovery_window = " + std::string(wrong) + "\n")),
                       "retention.recovery_window: must be a time with its unit");
    check_contains(problem(with("[retention]\nrecovery_window = \"30d\"\ngrace = \"0s\"\n")),
                   "retention.grace: must be");
    check_contains(problem(with("[retention]\nrecovery_window = \"30d\"\nkeep_backups = 0\n")),
                   "a whole number from 1 to");
    check_contains(problem(with("[retention]\nrecovery_window = \"30d\"\nweekly = -1\n")),
                   "a whole number from 0 to");
    check_contains(problem(with("", "weekly = 4\n")), "store.weekly: means nothing without recovery_window");
    check_contains(problem(with("retention = \"30d\"\n")), "write [retention]");
    check_contains(problem(with("recovery_window = \"30d\"\n")), "it belongs under [retention]");
}
