#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "common/store/http.hpp"
#include "console/catalogue.hpp"
#include "host/check/check.hpp"
#include "host/check/look.hpp"
#include "host/check/store_verdict.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::check;
using namespace walferry::console;
using namespace walferry::server;

namespace {

Settings some_settings() {
    Settings settings;
    settings.cluster = "main";
    settings.spool = "/var/spool/walferry/main";
    return settings;
}

ServerState sound_server() {
    ServerState state;
    state.archive_mode = "on";
    state.archive_command = "walferry-archive-push %p";
    state.archive_timeout = 60;
    state.last_archived = "000000010000000000000001";
    state.archived_ago = 5;
    state.ready = 0;
    state.process = ServerProcess{};
    return state;
}

/// "failed archive-mode", one a line, without what passed.
std::string judged(const ServerState& state, const Settings& settings = some_settings()) {
    Findings findings("PostgreSQL");
    judge_server(state, settings, findings);
    std::string text;
    for (const Finding& each : findings.all()) {
        if (each.verdict != Verdict::passed)
            text += std::string(to_string(each.verdict)) + " " + each.id + "\n";
    }
    return text;
}

bool found_in(const ServerState& state, const std::string& part) {
    Findings findings("PostgreSQL");
    judge_server(state, some_settings(), findings);
    const auto& all = findings.all();
    return std::any_of(all.begin(), all.end(),
                       [&](const Finding& each) { return each.found.find(part) != std::string::npos; });
}

std::string remedy_of(const ServerState& state, const Settings& settings = some_settings()) {
    Findings findings("PostgreSQL");
    judge_server(state, settings, findings);
    for (const Finding& each : findings.all()) {
        if (each.verdict == Verdict::failed) return each.remedy;
    }
    return {};
}

}  // namespace

TEST_CASE("a server that archives into the configured spool passes") {
    CHECK(judged(sound_server()).empty());
}

TEST_CASE("archiving that is switched off is a failure, by whichever setting") {
    ServerState state = sound_server();
    state.archive_mode = "off";
    state.archive_command = "(disabled)";
    CHECK(judged(state) == "failed archive-mode\n");
    state = sound_server();
    state.archive_library = "basic_archive";
    CHECK(judged(state) == "failed archive-library\n");
    CHECK(found_in(state, "does not run archive_command"));
    state.version = 160001;
    CHECK(judged(state) == "failed archive-library\n");
    CHECK(found_in(state, "with both, and nothing is archived"));
    state.archive_command.clear();
    CHECK(found_in(state, "does not run archive_command"));
    for (const char* command : {"", "true", "/bin/true"}) {
        state = sound_server();
        state.archive_command = command;
        CHECK(judged(state) == "failed archive-command\n");
    }
}

TEST_CASE("a standby is asked for an archive_command only where it would run it") {
    ServerState state = sound_server();
    state.in_recovery = true;
    state.archive_command = "";
    CHECK(judged(state) == "skipped archive-command\n");
    state.archive_mode = "always";
    CHECK(judged(state) == "failed archive-command\n");
}

TEST_CASE("another spool than the configured one is a failure whose remedy names the configured one") {
    ServerState state = sound_server();
    state.archive_command = "walferry-archive-push --spool /srv/other %p";
    CHECK(judged(state) == "failed archive-spool\n");
    Settings settings = some_settings();
    settings.spool = "/srv/spool";
    state.archive_command = "walferry-archive-push %p";
    CHECK(judged(state, settings) == "failed archive-spool\n");
    CHECK(remedy_of(state, settings).find("--spool /srv/spool %p") != std::string::npos);
    state.archive_command = "walferry-archive-push --spool /srv/spool/ %p";
    CHECK(judged(state, settings).empty());
}

TEST_CASE("an archiver that fails, and one that is stuck, are told from one that works") {
    ServerState state = sound_server();
    state.failing = true;
    state.last_failed = "000000010000000000000002";
    state.failed_ago = 3;
    CHECK(judged(state) == "failed archiver\n");
    state = sound_server();
    state.ready = 3;
    state.oldest_ready_age = 301;
    CHECK(judged(state) == "failed archiver\n");
    state.oldest_ready_age = 299;
    CHECK(judged(state).empty());
    state = sound_server();
    state.last_archived.clear();
    CHECK(judged(state) == "warning archiver\n");
}

TEST_CASE("archive_timeout is measured by the recovery point that the configuration asks for") {
    ServerState state = sound_server();
    state.archive_timeout = 0;
    CHECK(judged(state) == "failed archive-timeout\n");
    state.archive_timeout = 301;
    CHECK(judged(state) == "failed archive-timeout\n");
    state.archive_timeout = 300;
    CHECK(judged(state).empty());
    Settings settings = some_settings();
    settings.rpo = std::chrono::seconds(30);
    state.archive_timeout = 60;
    CHECK(remedy_of(state, settings).starts_with("`ALTER SYSTEM SET archive_timeout = '15s'"));
}

TEST_CASE("a role that may not see what waits is a warning with the GRANT") {
    ServerState state = sound_server();
    state.ready.reset();
    state.hidden = "permission denied for function pg_ls_archive_statusdir";
    CHECK(judged(state) == "warning server-rights\n");
}

TEST_CASE("each way in which a store refuses has a finding of its own") {
    const auto id = [](ErrorKind kind, const char* code) {
        Error error(kind, "store r2: list x: answered");
        error.code = code;
        return std::string(store_finding_id(error));
    };
    CHECK(id(ErrorKind::denied, "InvalidAccessKeyId") == finding_id::store_key);
    CHECK(id(ErrorKind::denied, "SignatureDoesNotMatch") == finding_id::store_key);
    CHECK(id(ErrorKind::denied, "AccessDenied") == finding_id::store_rights);
    CHECK(id(ErrorKind::denied, "") == finding_id::store_rights);
    CHECK(id(ErrorKind::no_bucket, "NoSuchBucket") == finding_id::store_bucket);
    CHECK(id(ErrorKind::rejected, "AuthorizationHeaderMalformed") == finding_id::store_region);
    CHECK(id(ErrorKind::rejected, "") == finding_id::store_endpoint);
    CHECK(id(ErrorKind::untrusted, "") == finding_id::store_certificate);
    CHECK(id(ErrorKind::config, unusable_ca_file) == finding_id::store_certificate);
    CHECK(id(ErrorKind::config, "") == finding_id::store_credentials);
    CHECK(id(ErrorKind::unreachable, "") == finding_id::store_unreachable);
    CHECK(id(ErrorKind::clock_skew, "RequestTimeTooSkewed") == finding_id::store_clock);
    CHECK(id(ErrorKind::no_space, "QuotaExceeded") == finding_id::store_full);
    CHECK(id(ErrorKind::throttled, "SlowDown") == finding_id::store_trouble);
}

TEST_CASE("the exit code says the worst of a check's findings, and warnings are none") {
    CheckReport report;
    CHECK(report.exit_code() == 0);
    report.findings.push_back({"backups", Verdict::warning, "ledger", "none", ""});
    CHECK(report.exit_code() == 0);
    report.findings.push_back({"server", Verdict::failed, "PostgreSQL", "down", ""});
    CHECK(report.exit_code() == 1);
    report.findings.push_back({"conflicts", Verdict::integrity, "ledger", "one", ""});
    CHECK(report.exit_code() == 3);
}

TEST_CASE("every finding has a meaning, a remedy and an id of its own") {
    for (const CatalogueRow& row : catalogue()) {
        INFO(row.id);
        CHECK(std::string(row.meaning).size() > 10);
        CHECK(std::string(row.remedy).size() > 5);
        const auto same = [&](const CatalogueRow& other) { return std::string(other.id) == row.id; };
        CHECK(std::count_if(catalogue().begin(), catalogue().end(), same) == 1);
    }
}

TEST_CASE("a part of a check that throws, dies or hangs is a finding, and hides no other part") {
    const std::vector<Part> parts{
        {"first", [](Findings&, Facts&) { throw Error(ErrorKind::io, "no such thing"); }},
        {"second", [](Findings&, Facts&) { ::raise(SIGKILL); }},
        {"third",
         [](Findings& findings, Facts&) {
             findings.pass(finding_id::spool, "there");
             ::pause();
         },
         std::chrono::milliseconds(300)},
        {"fourth", [](Findings& findings, Facts&) { findings.pass(finding_id::ledger, "\x01\xff"); }},
    };
    const auto answers = run_apart(parts);
    REQUIRE(answers.size() == 4);
    CHECK(answers[0].findings[0].id == finding_id::not_checked);
    CHECK(answers[0].findings[0].found == "no such thing");
    CHECK(answers[1].findings[0].id == finding_id::not_checked);
    REQUIRE(answers[2].findings.size() == 2);  // what was found before it hung stays known
    CHECK(answers[2].findings[0].id == finding_id::spool);
    CHECK(answers[2].findings[1].id == finding_id::no_answer);
    CHECK(answers[3].findings[0].verdict == Verdict::passed);
}
