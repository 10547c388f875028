#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <thread>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "console/catalogue.hpp"
#include "host/check/look.hpp"
#include "host/check/remedies.hpp"
#include "host/check/server.hpp"
#include "host/setup/units.hpp"
#include "server/programs.hpp"

namespace walferry::check {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause{200};

/// What is known of the segment on its way.
struct Way {
    bool archived = false;              // by the server's word
    bool arrived = false;               // a file of it waits in the spool, or the ledger knows it
    std::vector<std::string> verified;  // names of stores
    std::vector<std::string> missing;
    bool done() const { return !verified.empty() && missing.empty(); }
};

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

class Follower {
  public:
    Follower(const CheckContext& context, const SwitchOptions& options)
        : context_(context),
          options_(options),
          began_(steady_clock::now()),
          deadline_(began_ + options.limit) {}

    void run(console::Findings& findings) {
        CheckContext patient = context_;
        patient.patience = options_.limit + std::chrono::seconds(10);
        server_ = connect_for_check(patient);
        std::optional<server::ActingAs> acting;
        if (context_.users.root && context_.users.uploader) acting.emplace(*context_.users.uploader);
        if (server_->query("SELECT pg_is_in_recovery()").text(0, 0) == "t") {
            findings.skip(console::finding_id::switch_archived, "a standby ends no segment: ask the primary");
            return;
        }
        if (!end_segment(findings)) return;
        failures_ = count_of_failures();
        Way way = look();
        while (!way.done() && drain_error_.empty() && steady_clock::now() < deadline_) {
            if (way.arrived && options_.drain && !std::exchange(drained_, true)) drain();
            std::this_thread::sleep_for(pause);
            way = look();
            show(way);
        }
        report(way, findings);
    }

  private:
    bool end_segment(console::Findings& findings) {
        // A segment in which nothing was written is not ended. One byte back, because on the boundary of two
        // segments PostgreSQL 17 names the second, and earlier versions the first.
        std::string why;
        server_->try_query("SELECT pg_logical_emit_message(true, 'walferry', 'check')", {}, false, why);
        const auto row = server_->try_query("SELECT pg_walfile_name(pg_switch_wal() - 1)", {}, false, why);
        if (!row) {
            findings.fail(console::finding_id::switch_rights, "no segment could be ended: " + why);
            return false;
        }
        segment_ = row->text(0, 0);
        const auto sysid = server_->query("SELECT system_identifier FROM pg_control_system()").text(0, 0);
        system_identifier_ = std::stoull(sysid);
        say("ended " + segment_);
        return true;
    }

    std::string count_of_failures() {
        return server_->query("SELECT failed_count FROM pg_stat_archiver").text(0, 0);
    }

    Way look() {
        Way way;
        const auto row = server_->query(
            "SELECT coalesce(length(last_archived_wal) = 24 AND last_archived_wal >= $1 COLLATE \"C\", "
            "false) "
            "FROM pg_stat_archiver",
            {segment_});
        way.archived = row.text(0, 0) == "t";
        struct stat status {};
        const SpoolPaths spool(context_.settings.spool);
        way.arrived = ::lstat(spool.segment(system_identifier_, segment_).c_str(), &status) == 0;
        try {
            ask_ledger(spool, way);
        } catch (const Error& error) {
            ledger_error_ = error.what();
        }
        return way;
    }

    void ask_ledger(const SpoolPaths& spool, Way& way) {
        Ledger ledger(spool, Ledger::Open::existing);
        const auto rows = ledger.rows_of(system_identifier_, segment_);
        way.arrived = way.arrived || !rows.empty();
        for (const StoreRow& store : ledger.active_stores()) {
            bool there = false;
            for (const SegmentRow& row : rows) {
                for (const UploadRow& upload : ledger.uploads_of(row.id))
                    there = there || (upload.store == store.id && upload.state == UploadState::verified);
            }
            (there ? way.verified : way.missing).push_back(store.identity.name);
        }
        for (const StoreSummary& store : ledger.store_summaries())
            if (store.last_error) errors_[store.name] = *store.last_error;
        const auto run = ledger.last_run();
        drain_seen_ = drain_seen_ || (run && !run->finished_at) ||
                      (run && parse_time(run->started_at).value_or(WallTime{}) >= wall_began_);
        ledger_error_.clear();
    }

    /// As it is done on this host: systemd alone may have the keys.
    void drain() {
        const std::string service = drain_service(context_.settings);
        if (context_.users.root && !service.empty() && setup::systemd_runs()) {
            say("draining: systemctl start " + service);
            const server::ServerUser root{"root", 0, 0, {0}};
            if (server::run_as(root, {"/usr/bin/systemctl", "start", service}).exit_code != 0)
                drain_error_ = service + " failed";
            return;
        }
        say("draining");
        const server::ServerUser self{"", ::geteuid(), ::getegid(), groups()};
        const server::ProgramAnswer answer = server::run_as(
            self, {server::program_beside_this_one("walferry"), "--config", context_.settings.file, "drain"});
        if (answer.exit_code != 0) drain_error_ = answer.err.substr(0, answer.err.find('\n'));
    }

    static std::vector<gid_t> groups() {
        std::vector<gid_t> all(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
        (void)!::getgroups(static_cast<int>(all.size()), all.data());
        return all;
    }

    void show(const Way& way) {
        std::string text = !way.arrived           ? "waits for the server's archiver"
                           : way.verified.empty() ? "is in the spool, waits for a drain"
                                                  : "is verified in " + list_of(way.verified);
        if (text != shown_) say(segment_ + " " + text);
        shown_ = text;
    }

    void say(const std::string& text) const {
        if (options_.show_progress) std::fprintf(stderr, "switch: %s\n", one_line(text).c_str());
    }

    std::string within() const { return " within " + format_duration(options_.limit); }

    void report(const Way& way, console::Findings& findings) {
        const auto took = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - began_);
        if (!way.arrived) return report_not_arrived(way, findings);
        findings.pass(console::finding_id::switch_archived, segment_ + " was archived into the spool");
        if (way.done()) {
            findings.pass(console::finding_id::switch_verified, segment_ + " is verified in " +
                                                                    list_of(way.verified) + ", " +
                                                                    format_duration(took) + " after its end");
            return;
        }
        if (!ledger_error_.empty()) {
            findings.fail(console::finding_id::switch_verified,
                          segment_ + " cannot be followed: " + ledger_error_);
            return;
        }
        if (!drain_error_.empty()) {
            findings.fail(console::finding_id::switch_verified,
                          segment_ + " waits in the spool; " + drain_error_, how_to_see_a_drain(context_));
        } else if (!drain_seen_) {
            findings.fail(console::finding_id::switch_verified,
                          segment_ + " waits in the spool, and no drain has run" + within(),
                          how_to_drain(context_) + "; or let this check do it, with --drain");
        } else {
            findings.fail(console::finding_id::switch_verified, not_verified(way));
        }
    }

    void report_not_arrived(const Way& way, console::Findings& findings) {
        if (way.archived) {
            findings.fail(console::finding_id::switch_archived,
                          "the server says that it has archived " + segment_ +
                              ", and nothing of it is in the spool " + context_.settings.spool +
                              " nor in the ledger");
            return;
        }
        // A command that cannot be run ends the archiver, which counts no failure then.
        const std::string why = count_of_failures() != failures_
                                    ? ": archive_command fails"
                                    : ": archive_command does not end, or cannot be run";
        findings.fail(console::finding_id::switch_archived, segment_ + " was not archived" + within() + why);
    }

    std::string not_verified(const Way& way) {
        std::string text = segment_ + " is ";
        text += way.verified.empty() ? "in no store yet" : "verified in " + list_of(way.verified);
        for (const std::string& name : way.missing) {
            text += ", not in " + name;
            if (errors_.contains(name)) text += ": " + errors_[name];
        }
        return text + within();
    }

    const CheckContext& context_;
    const SwitchOptions& options_;
    const steady_clock::time_point began_, deadline_;
    const WallTime wall_began_ = wall_now();
    std::unique_ptr<server::ServerConnection> server_;
    std::string segment_, failures_, shown_, ledger_error_, drain_error_;
    std::uint64_t system_identifier_ = 0;
    std::map<std::string, std::string> errors_;  // of stores, by name
    bool drained_ = false, drain_seen_ = false;
};

}  // namespace

void follow_switch(const CheckContext& context, const SwitchOptions& options, console::Findings& findings) {
    if (!context.server) {
        findings.skip(console::finding_id::switch_archived, "the server does not answer");
        return;
    }
    Follower(context, options).run(findings);
}

}  // namespace walferry::check
