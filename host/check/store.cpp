#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "archive/archive_sight.hpp"
#include "archive/archived_forks.hpp"
#include "archive/fork_gaps.hpp"
#include "archive/listed_gaps.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings_values.hpp"
#include "common/spool_paths.hpp"
#include "console/catalogue.hpp"
#include "host/check/handed_over.hpp"
#include "host/check/kept_objects.hpp"
#include "host/check/look.hpp"
#include "host/check/second_uploader.hpp"
#include "host/check/store_retention.hpp"
#include "host/check/store_trial.hpp"
#include "host/check/store_verdict.hpp"
#include "host/check/timelines_in_use.hpp"

namespace walferry::check {
namespace {

// Of a listing, a thousand objects each: an old archive is looked through by several checks.
constexpr int pages_of_gaps = 20;

std::optional<std::int64_t> store_id(Ledger& ledger, const std::string& name) {
    for (const StoreRow& row : ledger.active_stores()) {
        if (row.identity.name == name) return row.id;
    }
    return std::nullopt;
}

std::string root_of(const Settings& settings, const StoreSettings& store) {
    return (store.prefix.empty() ? "" : store.prefix + "/") + settings.cluster + "/";
}

void judge_clock(const StoreTrial& trial, console::Findings& findings) {
    const auto ahead = trial.clock_ahead();
    if (!ahead) return;
    const std::chrono::seconds apart(std::abs(ahead->count()));
    const std::string text = "the store's clock is " + format_duration(apart) +
                             (ahead->count() < 0 ? " behind" : " ahead of") + " this host's";
    if (apart > std::chrono::minutes(5)) {
        findings.fail(console::finding_id::store_clock, text);
    } else if (apart > std::chrono::seconds(60)) {
        findings.warn(console::finding_id::store_clock, text);
    } else {
        findings.pass(console::finding_id::store_clock, "its clock and this host's agree");
    }
}

void try_delete(StoreTrial& trial, const std::string& key, console::Findings& findings) {
    try {
        trial.remove(key);
        findings.pass(console::finding_id::store_delete, "the keys may delete");
    } catch (const Error& error) {
        findings.warn(console::finding_id::store_delete, error.message());
    }
}

void try_restore_keys(const CheckContext& context, const StoreSettings& store, StoreTrial& restore,
                      const std::string& key, console::Findings& findings) {
    try {
        restore.store().list(root_of(context.settings, store), "");
        restore.get(key);
        findings.pass(console::finding_id::store_restore_keys,
                      "the keys in " + store.restore_credentials_file + " may list and get");
    } catch (const Error& error) {
        findings.fail(console::finding_id::store_restore_keys, error.message(), error.hint());
    }
}

/// Opened while the caller is still root: the file may be meant for the server's user alone.
std::unique_ptr<StoreTrial> open_restore_keys(const CheckContext& context, const StoreSettings& store,
                                              console::Findings& findings) {
    const std::string& file = store.restore_credentials_file;
    if (file.empty()) return nullptr;
    if (!context.users.root && ::access(file.c_str(), R_OK) != 0 && errno == EACCES) {
        findings.skip(console::finding_id::store_restore_keys, "who runs this check may not read " + file);
        return nullptr;
    }
    try {
        return std::make_unique<StoreTrial>(store, StoreAccess::restore, context.patience);
    } catch (const Error& error) {
        findings.fail(console::finding_id::store_restore_keys, error.message(), error.hint());
        return nullptr;
    }
}

/// Its own keys the uploader reads itself; copies of root's come from systemd.
void try_reading_keys(const server::ServerUser& uploader, const std::string& file, bool copied,
                      console::Findings& findings) {
    if (copied) {
        findings.pass(console::finding_id::store_credentials,
                      file + " is root's, and systemd hands it to the drain");
    } else if (::access(file.c_str(), R_OK) == 0) {
        findings.pass(console::finding_id::store_credentials, uploader.name + " can read " + file);
    } else {
        findings.fail(console::finding_id::store_credentials,
                      uploader.name + " cannot read " + file + ": " + std::strerror(errno));
    }
}

/// The cluster's system identifier and its segments' size: the server's, or else what was verified last;
/// zeros where neither tells.
std::pair<std::uint64_t, std::uint64_t> which_wal(const CheckContext& context, const StoreSettings& store,
                                                  const SpoolPaths& spool) {
    if (context.server && context.server->system_identifier)
        return {*context.server->system_identifier, context.server->segment_size};
    try {
        Ledger ledger(spool, Ledger::Open::existing);
        const auto newest = ledger.newest_verified(store.name);
        if (newest) return {newest->system_identifier, ledger.known_segment_size(newest->system_identifier)};
    } catch (const Error&) {  // said by the part that looks at the ledger
    }
    return {0, 0};
}

/// Since when each is known, by the first segment of its timeline. Without a ledger each is as old as can be.
std::map<std::string, std::string> fork_gaps_since(const CheckContext& context, const StoreSettings& store,
                                                   std::uint64_t cluster,
                                                   const std::vector<archive::ForkGap>& gaps) {
    std::map<std::string, std::string> since;
    try {
        Ledger ledger(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        std::vector<std::string> firsts;
        for (const archive::ForkGap& gap : gaps) firsts.push_back(gap.first);
        if (const auto id = store_id(ledger, store.name))
            since = ledger.note_fork_gaps(*id, cluster, firsts, format_time(wall_now()));
    } catch (const Error& error) {
        if (traits(error.kind()).scope != Scope::ledger) throw;
    }
    return since;
}

/// Those that a person knows of; none without a ledger.
std::vector<KnownGap> known_gaps(const CheckContext& context, std::uint64_t cluster) {
    try {
        return Ledger(SpoolPaths(context.settings.spool), Ledger::Open::existing).known_gaps(cluster);
    } catch (const Error&) {
        return {};
    }
}

/// After a failover: what lies before a later timeline's first segment. The old primary's last segments come
/// late, so a gap counts when it has been there for as long as the recovery point may trail. Gaps within a
/// timeline are the ledger's to tell, as far as this host archived it.
void look_for_fork_gaps(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                        console::Findings& findings) {
    const SpoolPaths spool(context.settings.spool);
    const auto [cluster, segment_size] = which_wal(context, store, spool);
    if (cluster == 0 || segment_size == 0) return;
    const ObjectKeys keys(store.prefix, context.settings.cluster, cluster);
    const auto waits = [&spool, id = cluster](const std::string& segment) {
        return ::access(spool.segment(id, segment).c_str(), F_OK) == 0;
    };
    std::vector<archive::ForkGap> gaps = archive::find_fork_gaps(objects, keys, segment_size, waits);
    const auto since = fork_gaps_since(context, store, cluster, gaps);
    const std::string due = format_time(wall_now() - context.settings.rpo);
    std::string waiting;
    const std::vector<KnownGap> known = known_gaps(context, cluster);
    archive::ExpiredWal expired;
    if (!gaps.empty())
        expired = archive::ExpiredWal(objects, keys, cluster, context.settings.trusted_writers);
    std::erase_if(gaps, [&](const archive::ForkGap& gap) {
        if (expired.covers(gap.missing) || known_gap(known, store.name, gap.missing, gap.missing))
            return true;
        const auto seen = since.find(gap.first);
        if (seen == since.end() || seen->second <= due) return false;
        waiting = "timeline " + gap.first.substr(0, 8) + " begins with " + gap.first +
                  "; the segment before it, " + gap.missing + ", is not there yet (first seen missing at " +
                  seen->second + "): it may still come from the old primary's spool";
        return true;
    });
    if (gaps.empty()) {
        if (!waiting.empty()) findings.pass(console::finding_id::gaps, waiting);
        return;
    }
    findings.contradiction(
        console::finding_id::gaps,
        "timeline " + gaps.back().first.substr(0, 8) + " begins with " + gaps.back().first +
            ", and the segment before it, " + gaps.back().missing +
            ", is not there: an old primary's last segments are missing" +
            (gaps.size() > 1
                 ? "; the same holds for " + counted(gaps.size() - 1, "other timeline", "other timelines")
                 : ""));
}

/// Within the timelines, whichever host archived them. What is missing for less than the recovery point may
/// still come from a host whose drain is behind.
void look_for_gaps(const CheckContext& context, const StoreSettings& store, ObjectStore& objects,
                   console::Findings& findings) {
    const auto [cluster, segment_size] = which_wal(context, store, SpoolPaths(context.settings.spool));
    if (cluster == 0 || segment_size == 0) return;
    try {
        Ledger ledger(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        const auto id = store_id(ledger, store.name);
        if (!id) return;
        const ObjectKeys keys(store.prefix, context.settings.cluster, cluster);
        const auto gaps = archive::look_for_listed_gaps(
            {objects, keys, ledger, *id, cluster, segment_size, pages_of_gaps}, wall_now());
        const std::string due = format_time(wall_now() - context.settings.rpo);
        archive::Forks forks;
        archive::ExpiredWal expired;
        if (!gaps.empty()) {
            expired = archive::ExpiredWal(objects, keys, cluster, context.settings.trusted_writers);
            archive::add_forks(forks, {&objects, keys}, cluster, segment_size, 0, std::nullopt,
                               ledger.histories(cluster));
            add_timelines_in_use(context, ledger, cluster, forks);
        }
        const std::vector<KnownGap> known = ledger.known_gaps(cluster);
        for (const ListedGap& gap : gaps) {
            const WalName after = *WalName::parse(gap.after);
            const WalName missing = WalName::segment_at(
                after.timeline, *after.start_lsn(segment_size) + segment_size, segment_size);
            const WalName last = WalName::segment_at(
                after.timeline, *WalName::parse(gap.before)->start_lsn(segment_size) - segment_size,
                segment_size);
            if (known_gap(known, store.name, missing.text, last.text)) continue;
            if (!archive::unexpired(expired, missing.text, last.text, segment_size)) continue;
            // Behind the end of a timeline nothing is needed.
            if (gap.seen_at > due ||
                forks.departure(missing, segment_size).kind != archive::Departure::Kind::none)
                continue;
            findings.contradiction(console::finding_id::gaps,
                                   "segments are missing between " + gap.after + " and " + gap.before +
                                       ", and were at " + gap.seen_at +
                                       " as well, whichever host was to archive them");
            return;
        }
    } catch (const Error& error) {
        if (traits(error.kind()).scope != Scope::ledger) throw;
    }
}

/// For `status`, and for the next check.
void note_what_is_there(const CheckContext& context, const StoreSettings& store, ObjectStore& objects) {
    const auto [cluster, segment_size] = which_wal(context, store, SpoolPaths(context.settings.spool));
    if (cluster == 0) return;
    try {
        Ledger ledger(SpoolPaths(context.settings.spool), Ledger::Open::existing);
        const auto id = store_id(ledger, store.name);
        if (!id) return;
        ArchiveSight before{store.name, {}, {}, {}, false};
        for (const ArchiveSight& sight : ledger.sights(cluster)) {
            if (sight.store == store.name) before = sight;
        }
        const ObjectKeys keys(store.prefix, context.settings.cluster, cluster);
        ledger.note_sight(
            *id, cluster,
            archive::see_archive(
                objects, keys, before, [&](const std::string& backup) { return ledger.knows_backup(backup); },
                wall_now()));
    } catch (const Error& error) {
        if (traits(error.kind()).scope != Scope::ledger) throw;
    }
}

void try_store(const CheckContext& context, const StoreSettings& store, StoreTrial& trial,
               StoreTrial* restore, console::Findings& findings) {
    const std::string root = root_of(context.settings, store);
    trial.store().list(root, "");
    const std::string key = trial.put_and_get(root);
    findings.pass(console::finding_id::store_rights,
                  trial.has_put()
                      ? "the keys may list, put and get; what was put came back as it was"
                      : "the keys may list and get; what a check of the last day put is still there, "
                        "and no other was put");
    if (restore != nullptr) try_restore_keys(context, store, *restore, key, findings);
    try_delete(trial, key, findings);
    look_for_second_uploader(context, store, trial.store(), findings);
    look_for_lost_objects(context, store, trial.store(), findings);
    look_for_damaged_objects(context, store, findings);
    look_for_fork_gaps(context, store, trial.store(), findings);
    look_for_gaps(context, store, trial.store(), findings);
    look_at_retention(context, store, findings);
    note_what_is_there(context, store, trial.store());
}

}  // namespace

void look_at_store(const CheckContext& context, const StoreSettings& store, console::Findings& findings,
                   Facts&) {
    if (store.type == StoreType::s3 && store.endpoint.starts_with("http://") &&
        !is_loopback_endpoint(store.endpoint))
        findings.warn(console::finding_id::store_plain_http, store.endpoint + " is plain http");
    if (store.type == StoreType::directory && context.users.root && !context.users.uploader) {
        findings.skip(console::finding_id::uploader_user,
                      "root leaves nothing in a directory store: name the uploader's user with --uploader");
        return;
    }
    const auto restore = open_restore_keys(context, store, findings);
    const bool copied = handed_over(context.settings, store.credentials_file);
    std::unique_ptr<StoreTrial> trial;
    try {
        // Only what systemd hands over is opened with root's eyes.
        if (context.users.uploader && !copied) server::become(*context.users.uploader);
        trial = std::make_unique<StoreTrial>(store, StoreAccess::write, context.patience);
        if (context.users.uploader) server::become(*context.users.uploader);
        if (context.users.root && context.users.uploader && store.type == StoreType::s3)
            try_reading_keys(*context.users.uploader, store.credentials_file, copied, findings);
        try_store(context, store, *trial, restore.get(), findings);
    } catch (const Error& error) {
        report_store_error(error, findings);
        if (error.kind() == ErrorKind::clock_skew) return;
    }
    if (trial) judge_clock(*trial, findings);
}

}  // namespace walferry::check
