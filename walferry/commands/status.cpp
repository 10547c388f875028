#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/micro_time.hpp"
#include "common/settings/settings.hpp"
#include "common/wal/lsn.hpp"
#include "common/wal/system_identifier.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "report/status.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

nlohmann::json copies_json(const std::vector<BackupCopyRow>& copies) {
    auto json = nlohmann::json::array();
    for (const BackupCopyRow& copy : copies) {
        json.push_back({{"store", copy.store},
                        {"id", copy.backup},
                        {"stopped_at", console::json_or_null(copy.stopped_at)},
                        {"system_identifier", std::to_string(copy.system_identifier)}});
    }
    return json;
}

nlohmann::json text_or_null(const std::string& text) {
    return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

nlohmann::json time_json(const std::optional<std::int64_t>& time) {
    return time ? nlohmann::json(format_micro_time(*time)) : nlohmann::json(nullptr);
}

void add_recovery_point(nlohmann::json& json, const report::RecoveryPoint& point) {
    const auto& commit = point.last_commit;
    json["recovery_point"] = time_json(commit ? std::optional(commit->time) : std::nullopt);
    json["recovery_point_lsn"] = commit ? nlohmann::json(format_lsn(commit->lsn)) : nlohmann::json(nullptr);
    json["complete_until"] = time_json(point.complete_until);
    json["complete_segment"] = text_or_null(point.segment);
    json["recovery_point_known"] = point.known;
    json["first_missing"] = console::json_or_null(point.hole);
    json["first_only_listed"] = console::json_or_null(point.listed);
    json["recovery_point_reason"] = text_or_null(point.reason);
}

/// What a store has of one cluster.
nlohmann::json counts_json(const StoreSummary& store) {
    return {{"name", store.name},
            {"pending", store.pending},
            {"pending_bytes", store.pending_bytes},
            {"stored", store.stored},
            {"verified", store.verified},
            {"conflict", store.conflicts},
            {"last_verified_segment", console::json_or_null(store.last_verified_segment)},
            {"last_verified_at", console::json_or_null(store.last_verified_at)}};
}

nlohmann::json earlier_json(const report::Status& status) {
    auto json = nlohmann::json::array();
    for (const report::EarlierCluster& cluster : status.earlier) {
        auto stores = nlohmann::json::array();
        for (const StoreSummary& store : cluster.stores) stores.push_back(counts_json(store));
        json.push_back({{"system_identifier", std::to_string(cluster.system_identifier)},
                        {"created_at", creation_date(cluster.system_identifier)},
                        {"stores", stores}});
    }
    return json;
}

nlohmann::json as_json(const report::Status& status) {
    nlohmann::json json{{"cluster", status.cluster},
                        {"system_identifier", status.system_identifier
                                                  ? nlohmann::json(std::to_string(*status.system_identifier))
                                                  : nlohmann::json(nullptr)},
                        {"spool",
                         {{"path", status.spool},
                          {"segments", status.segments},
                          {"bytes", status.bytes},
                          {"oldest_age_seconds", console::json_or_null(status.oldest_age_seconds)},
                          {"earlier_clusters_segments", status.earlier_segments},
                          {"problems", status.problems}}}};
    auto& stores = json["stores"] = nlohmann::json::array();
    for (const StoreSummary& store : status.stores) {
        stores.push_back(counts_json(store));
        stores.back().update({{"type", store.type},
                              {"last_error", console::json_or_null(store.last_error)},
                              {"recovery_point", nullptr}});
        const auto point = status.recovery_points.find(store.name);
        if (point != status.recovery_points.end()) add_recovery_point(stores.back(), point->second);
    }
    auto& on_disk = json["spool"]["recovery_point"] = nullptr;
    if (status.on_disk && status.on_disk->last_commit)
        on_disk = format_micro_time(status.on_disk->last_commit->time);
    json["last_restorable_backups"] = copies_json(status.backups);
    auto& archive = json["archive"] = nlohmann::json::array();
    for (const ArchiveSight& sight : status.archive) {
        archive.push_back({{"store", sight.store},
                           {"seen_at", sight.seen_at},
                           {"newest_segment", text_or_null(sight.newest_segment)},
                           {"newest_backup", text_or_null(sight.newest_backup)},
                           {"newest_backup_is_this_hosts", sight.backup_is_ours}});
    }
    json["earlier_clusters"] = earlier_json(status);
    json["earlier_clusters_backups"] = copies_json(status.earlier_backups);
    json["conflicts"] = status.conflicts;
    json["lost"] = status.lost;
    json["seen_in_listings_since"] = console::json_or_null(status.seen_since);
    auto& gone = json["lost_by_stores"] = nlohmann::json::array();
    for (const auto& [store, lost] : status.lost_by_stores)
        gone.push_back({{"store", store}, {"segments", lost.count}, {"first", lost.first}});
    json["ledger_error"] = console::json_or_null(status.ledger_error);
    if (const auto& run = status.last_run) {
        json["last_run"] = {{"pid", run->pid},
                            {"started_at", run->started_at},
                            {"finished_at", console::json_or_null(run->finished_at)},
                            {"exit_code", console::json_or_null(run->exit_code)},
                            {"verified", run->verified},
                            {"removed", run->removed},
                            {"at_work", status.at_work},
                            {"message", run->message}};
    } else {
        json["last_run"] = nullptr;
    }
    return json;
}

std::string age(std::int64_t seconds) {
    return format_duration(std::chrono::seconds(seconds));
}

std::string what_waits(const report::Status& status) {
    if (status.segments > 0) {
        return counted(status.segments, "segment waits", "segments wait") + " (" +
               format_bytes(status.bytes) + "), the oldest for " +
               age(status.oldest_age_seconds.value_or(0)) +
               ": on this host's disk, and not yet verified in every store" +
               (status.earlier_segments > 0
                    ? "; " + std::to_string(status.earlier_segments) + " of them of an earlier cluster"
                    : std::string());
    }
    std::int64_t stored = 0;
    for (const StoreSummary& store : status.stores) stored += store.stored;
    if (!status.lost.empty() || !status.problems.empty() || status.ledger_error)
        return "nothing waits in the spool";
    std::int64_t verified = 0;
    for (const StoreSummary& store : status.stores) verified += store.verified;
    const std::string whose = status.earlier.empty() ? "" : " of this cluster";
    if (verified == 0 && stored == 0)
        return "nothing waits, and this ledger knows of no segment" + whose + " yet";
    if (verified == 0)
        return "nothing waits in the spool; what this ledger knows" + whose +
               ", the stores' listings told it";
    if (!status.lost_by_stores.empty()) return "nothing waits in the spool";
    return std::string(stored > 0 ? "nothing waits in the spool: every segment" + whose + " that this "
                                  : "nothing waits: every segment" + whose + " that this ") +
           (stored > 0 ? "host has archived since this ledger was made" : "ledger knows") +
           " was read back from every store" +
           (status.seen_since
                ? "; what was verified before " + *status.seen_since + " was seen in their listings since"
                : std::string("; `walferry check` has not compared all of it with the stores' "
                              "listings yet"));
}

/// What to do about it on a line of its own.
void print_trouble(const char* what, const std::string& text) {
    static constexpr std::string_view mark = "; hint: ";
    const std::size_t hint = text.find(mark);
    std::printf("  %s%s\n", what, one_line(text.substr(0, hint)).c_str());
    if (hint != std::string::npos)
        std::printf("    hint: %s\n", one_line(text.substr(hint + mark.size())).c_str());
}

/// Whether a store's last error, printed above, says it already.
bool is_said(const report::Status& status, const std::string& message) {
    return std::any_of(status.stores.begin(), status.stores.end(), [&](const StoreSummary& store) {
        return store.last_error && (message.find(*store.last_error) != std::string::npos ||
                                    store.last_error->find(message) != std::string::npos);
    });
}

void print_last_run(const report::Status& status) {
    const auto& run = status.last_run;
    if (!run) {
        std::printf("no drain has run yet: `walferry drain` brings what waits to the stores\n");
        return;
    }
    const std::string end = run->finished_at ? "ended at " + *run->finished_at + " with exit code " +
                                                   std::to_string(run->exit_code.value_or(-1))
                            : status.at_work ? std::string("is at work")
                                             : std::string("has not ended, or was killed");
    std::printf("last drain: pid %lld, began at %s, %s\n", static_cast<long long>(run->pid),
                run->started_at.c_str(), end.c_str());
    if (!run->message.empty() && !is_said(status, run->message)) print_trouble("", run->message);
}

std::string counts(const StoreSummary& store) {
    std::string text = std::to_string(store.verified) + " verified";
    if (store.stored > 0) text += ", " + std::to_string(store.stored) + " stored";
    if (store.pending > 0) text += ", " + std::to_string(store.pending) + " pending";
    if (store.conflicts > 0) text += ", " + std::to_string(store.conflicts) + " in conflict";
    return text;
}

std::string earlier_cluster(std::uint64_t system_identifier) {
    return "earlier cluster " + std::to_string(system_identifier) + " (created " +
           creation_date(system_identifier) + "): ";
}

/// Newest first, below what is said of the present cluster.
void print_earlier(const report::Status& status) {
    for (const report::EarlierCluster& cluster : status.earlier) {
        std::string text;
        for (const StoreSummary& store : cluster.stores)
            text += (text.empty() ? "" : "; ") + store.name + ": " + counts(store);
        if (!text.empty())
            std::printf("%s%s\n", earlier_cluster(cluster.system_identifier).c_str(), text.c_str());
    }
    for (const BackupCopyRow& copy : status.earlier_backups) {
        std::printf("%slast restorable backup in %s: %s, of %s\n",
                    earlier_cluster(copy.system_identifier).c_str(), copy.store.c_str(), copy.backup.c_str(),
                    copy.stopped_at.value_or("?").c_str());
    }
}

void print_backups(const report::Status& status) {
    for (const BackupCopyRow& copy : status.backups) {
        std::printf("last restorable backup in %s: %s, consistent from %s on\n", copy.store.c_str(),
                    copy.backup.c_str(), copy.stopped_at.value_or("?").c_str());
    }
    if (status.backups.empty() && !status.earlier_backups.empty()) {
        std::printf(
            "no restorable backup of this cluster: its system identifier is new (initdb, pg_upgrade), and "
            "no backup of an earlier one can be the start of its recovery; `walferry backup` makes one\n");
    }
    print_earlier(status);
}

/// Whichever host brought it there.
void print_archive(const report::Status& status) {
    if (status.archive.empty()) return;
    std::printf("\nthe archive, whichever host brought it there:\n");
    for (const ArchiveSight& sight : status.archive) {
        const std::string backup =
            sight.newest_backup.empty()
                ? std::string("no base backup")
                : "newest base backup " + sight.newest_backup +
                      (sight.backup_is_ours ? "" : ", made by another host or before this ledger");
        std::printf("%-16s %s, %s (seen at %s)\n", sight.store.c_str(),
                    sight.newest_segment.empty() ? "no WAL" : ("WAL up to " + sight.newest_segment).c_str(),
                    backup.c_str(), sight.seen_at.c_str());
    }
}

std::string ago(std::int64_t microseconds) {
    return age(
        std::max<std::int64_t>(0, wall_now().time_since_epoch().count() / 1000 - microseconds / 1000000));
}

/// An idle server's last commit is old, and nothing is missing all the same. Of commits side by side the one
/// that comes last in the WAL need not have the latest time, so one is named, and no span of time.
void print_recovery_points(const report::Status& status) {
    if (!status.recovery_points.empty()) std::printf("\n");
    for (const auto& [store, point] : status.recovery_points) {
        if (!point.last_commit) {
            const std::string why = !point.reason.empty() ? ": " + point.reason
                                    : point.known
                                        ? std::string()
                                        : ": `walferry events --fetch` reads the facts of its segments";
            std::printf(
                "no commit is known to be safe in %s yet%s%s\n", store.c_str(), why.c_str(),
                point.hole ? ("; " + *point.hole + " is missing, in conflict or not read back").c_str() : "");
            continue;
        }
        std::printf("the last commit that is safe in %s is that of %s (%s ago)", store.c_str(),
                    format_micro_time(point.last_commit->time).c_str(), ago(point.last_commit->time).c_str());
        const bool waits = status.on_disk && status.on_disk->segment > point.segment;
        if (point.complete_until && *point.complete_until > point.last_commit->time)
            std::printf("; no other until %s", format_micro_time(*point.complete_until).c_str());
        if (point.hole)
            std::printf("; %s is missing, in conflict or not read back", point.hole->c_str());
        else if (!waits && point.known)
            std::printf("; nothing later was archived");
        if (!point.known) std::printf("; later ones may be, of which nothing is known");
        if (point.listed)
            std::printf("; from %s on this host has not read all of it back: listings show it",
                        point.listed->c_str());
        std::printf("\n");
    }
    if (status.on_disk && status.on_disk->last_commit) {
        std::printf("and on this host's disk that of %s (%s ago)\n",
                    format_micro_time(status.on_disk->last_commit->time).c_str(),
                    ago(status.on_disk->last_commit->time).c_str());
    }
}

void print(const report::Status& status) {
    std::printf("cluster %s%s, spool %s\n", status.cluster.c_str(),
                status.system_identifier
                    ? (" (system identifier " + std::to_string(*status.system_identifier) + ")").c_str()
                    : "",
                status.spool.c_str());
    std::printf("%s\n", what_waits(status).c_str());
    if (!status.stores.empty()) {
        std::printf("\nthis host:\n%-16s %9s %9s %9s %9s  %s\n", "store", "pending", "stored", "verified",
                    "conflicts", "last verified");
    }
    for (const StoreSummary& store : status.stores) {
        std::printf("%-16s %9lld %9lld %9lld %9lld  %s %s\n", store.name.c_str(),
                    static_cast<long long>(store.pending), static_cast<long long>(store.stored),
                    static_cast<long long>(store.verified), static_cast<long long>(store.conflicts),
                    store.last_verified_segment.value_or("nothing yet").c_str(),
                    store.last_verified_at.value_or("").c_str());
        if (store.last_error) print_trouble("last error: ", *store.last_error);
    }
    print_recovery_points(status);
    print_backups(status);
    print_archive(status);
    std::printf("\n");
    if (status.ledger_error) std::printf("LEDGER: %s\n", status.ledger_error->c_str());
    for (const std::string& problem : status.problems)
        std::printf("unexpected file: %s\n", one_line(problem).c_str());
    for (const std::string& name : status.lost) {
        std::printf(
            "missing segment: %s has left the spool without being verified everywhere; if the server still "
            "has it, push "
            "it again\n",
            one_line(name).c_str());
    }
    for (const auto& [store, lost] : status.lost_by_stores) {
        std::printf(
            "missing in store %s: %s verified there and gone since, such as %s; see `walferry check`\n",
            store.c_str(),
            counted(static_cast<std::uint64_t>(lost.count), "segment that was", "segments that were").c_str(),
            lost.first.c_str());
    }
    if (status.conflicts > 0)
        std::printf("CONFLICT: %zu unsettled; see `walferry conflicts`\n", status.conflicts);
    if (!status.ledger_error) print_last_run(status);
}

}  // namespace

CommandBody declare_status(CLI::App& app) {
    auto json = std::make_shared<bool>(false);
    app.add_flag("--json", *json, "As JSON");
    app.footer(
        "\"Archived\" means safe on this host's disk until a segment is verified in every store:\n"
        "what waits here is what would be lost with this host. What is wrong is part of the\n"
        "answer; only a ledger that cannot be read makes this command fail.\n\n");
    return [json](const GlobalOptions& global) {
        const report::Status status = report::collect_status(load_settings(settings_path(global.config)));
        if (*json) {
            std::printf("%s\n", console::json_text(as_json(status)).c_str());
        } else {
            print(status);
        }
        return status.ledger_error ? console::exit_code::failed : console::exit_code::done;
    };
}

}  // namespace walferry::commands
