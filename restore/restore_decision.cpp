#include "restore/restore_decision.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/micro_time.hpp"
#include "common/wal/lsn.hpp"
#include "restore/outlook.hpp"
#include "restore/path_facts.hpp"
#include "restore/wal_search.hpp"

namespace walferry::restore {
namespace {

/// Its low half, which is what the WAL has.
std::uint32_t short_xid(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return static_cast<std::uint32_t>(value);
}

class Decider {
  public:
    Decider(const Settings& settings, const RestoreOptions& options)
        : settings_(settings), options_(options) {}

    RestoreDecision decide() {
        look();
        const auto show = [this](const std::string& doing) { options_.show(doing, 0, 0); };
        search_.emplace(*made_.survey, settings_, show, options_.stop);
        facts_.emplace(*made_.survey, *search_, settings_);
        try {
            choose();
        } catch (const Error& error) {
            if (made_.silent.empty() || error.kind() == ErrorKind::interrupted) throw;
            throw Error(ErrorKind::unreachable,
                        error.message() + "; " + listed(made_.silent) + " did not answer and may have more",
                        advice_on_silent(made_.silent));
        }
        made_.outlook = outlook(*made_.survey, made_.choice, settings_);
        made_.timeline = timeline();
        made_.target = options_.wish.target;
        if (made_.target.kind == TargetKind::time) require_later_transaction();
        if (made_.target.kind == TargetKind::name) count_name();
        if (options_.wish.as_far_as_possible) go_as_far_as_possible();
        if (!options_.wish.timeline) note_newer_timelines();
        note_lost_end();
        for (const std::string& missing : made_.choice.backup->label.missing)
            made_.notes.push_back("this backup lacks " + missing);
        if (made_.target.kind != TargetKind::latest && made_.target.action == TargetAction::pause) {
            made_.notes.push_back(
                "to be readable at its target the server needs max_connections, max_worker_processes, "
                "max_wal_senders, max_prepared_transactions and max_locks_per_transaction as high as the "
                "server "
                "that wrote the WAL. Whether one was raised after this backup is not known: if the log says "
                "\"insufficient parameter settings\", set the value it names in postgresql.auto.conf and "
                "start "
                "again, or restore with --target-action promote");
        }
        find_late_tablespaces();
        return std::move(made_);
    }

  private:
    void look() {
        archive::SurveyOptions options;
        options.stores = options_.stores;
        options.system_identifier = options_.system_identifier;
        options.stop = options_.stop;
        options.show = [this](const std::string& doing) { options_.show(doing, 0, 0); };
        made_.survey = std::make_unique<archive::ArchiveSurvey>(settings_, options);
        for (const std::string& problem : made_.survey->problems()) options_.say(problem);
        for (const archive::ArchiveSurvey::Store& store : made_.survey->stores()) {
            if (!store.trouble) continue;
            made_.silent.push_back(store.settings->name);
            options_.say("store " + store.settings->name + " did not answer: " + store.trouble->what());
        }
    }

    void choose() {
        const auto end = [this](const archive::Reach& reach) {
            const auto text = reach.last ? made_.survey->spooled_at(*reach.last) : std::nullopt;
            return text ? std::optional<MicroTime>(*parse_time(*text)) : std::nullopt;
        };
        try {
            made_.choice =
                choose_backup(made_.survey->backups(), options_.wish, end,
                              [this](const archive::SurveyedBackup& backup, const archive::Reach& reach) {
                                  return holds(backup, reach);
                              });
        } catch (const Error& error) {
            if (options_.wish.target.kind == TargetKind::time && error.kind() == ErrorKind::integrity)
                refuse_late_time();
            throw;
        }
    }

    /// For a time behind everything that is archived, says which one works.
    void refuse_late_time() {
        if (made_.survey->backups().empty() || !made_.silent.empty()) return;
        const archive::SurveyedBackup& newest = made_.survey->backups().back();
        const archive::Reach* reach = options_.wish.timeline ? newest.reach(*options_.wish.timeline)
                                                             : &newest.together.timelines.back();
        if (options_.wish.backup || reach == nullptr || !reach->consistent || !reach->last ||
            options_.wish.target.time < MicroTime(*parse_time(newest.label.stopped_at)))
            return;
        made_.target = options_.wish.target;
        made_.choice = {&newest, *reach};
        require_later_transaction();
        made_.notes.clear();
    }

    /// Whether a transaction or a restore point lies behind a backup.
    std::optional<bool> holds(const archive::SurveyedBackup& backup, const archive::Reach& reach) {
        const RecoveryTarget& target = options_.wish.target;
        std::optional<bool> held;
        if (target.kind == TargetKind::xid)
            held = search_->ends_behind(backup, reach, short_xid(target.text));
        if (target.kind == TargetKind::name) {
            const std::size_t unknown = facts_->unknown().size();
            const bool found = !points(backup, reach, target.text).empty();
            if (found || facts_->unknown().size() == unknown) held = found;
        }
        if (!held) {
            made_.notes.push_back(
                "whether " + describe(target) + " lies behind backup " + backup.label.id.text +
                " is not known: WAL of it could not be looked into. If the server ends with "
                "\"recovery ended before configured recovery target was reached\", restore an "
                "older backup with --backup");
        }
        return held;
    }

    /// The highest timeline is taken, as PostgreSQL does. After a copy was promoted by mistake another one
    /// may be what the server still writes.
    void note_newer_timelines() {
        const auto archived = [&](const archive::Reach& reach) {
            return reach.last ? made_.survey->spooled_at(*reach.last).value_or("") : std::string();
        };
        const archive::Reach& chosen = made_.choice.reach;
        const std::string until = archived(chosen);
        for (const archive::Reach& other : made_.choice.backup->together.timelines) {
            if (other.timeline == chosen.timeline || other.end_lsn <= chosen.end_lsn) continue;
            const std::string also = archived(other);
            if (also <= until) continue;
            made_.notes.push_back("timeline " + std::to_string(other.timeline) +
                                  " leads further and was written later: to LSN " +
                                  format_lsn(other.end_lsn) + ", archived at " + also +
                                  ". If that is the server's own, restore with --timeline " +
                                  std::to_string(other.timeline));
        }
    }

    /// The end of the archive looks like an end where its last segments are gone from every store: only a
    /// ledger that saw them there can tell.
    void note_lost_end() {
        const archive::Reach& chosen = made_.choice.reach;
        if (!chosen.last || chosen.gap || options_.wish.target.kind != TargetKind::latest) return;
        try {
            Ledger ledger(SpoolPaths(settings_.spool), Ledger::Open::existing);
            for (const archive::ArchiveSurvey::Store& store : made_.survey->stores()) {
                const auto newest = ledger.newest_verified(store.settings->name);
                if (!newest || newest->system_identifier != made_.survey->system_identifier()) continue;
                if (newest->name.substr(0, 8) != chosen.last->text.substr(0, 8) ||
                    newest->name <= chosen.last->text)
                    continue;
                made_.notes.push_back(
                    "this host's ledger has seen " + newest->name + " in store " + store.settings->name +
                    ", and no store that answered has it now: the archive "
                    "ends earlier than it did. `walferry check` says what a store has lost");
                return;
            }
        } catch (const Error&) {
            return;  // a host that restores has no ledger
        }
    }

    /// Only a number that the archive itself resolves is fixed. What leads on from the backup is not known as
    /// long as a store is silent, and the backup's own timeline may have no history file.
    std::string timeline() const {
        if (!options_.wish.timeline && !made_.silent.empty()) return "latest";
        if (made_.choice.reach.timeline == made_.choice.backup->label.timeline) return "current";
        return std::to_string(made_.choice.reach.timeline);
    }

    const archive::SurveyedBackup& backup() const { return *made_.choice.backup; }

    /// PostgreSQL knows that it has reached a time by the first transaction that ended later. Where the
    /// archive has none, it would recover everything and stop with an error.
    void require_later_transaction() {
        const RecoveryTarget& target = made_.target;
        const auto end = search_->end_behind(backup(), made_.choice.reach, target.time, target.exclusive);
        if (end && end->later_transaction) return;
        if (!end || end->last_record == 0) {
            made_.notes.push_back(
                "whether a transaction ended after " + format_target_time(target.time) +
                " is not known: WAL of that time could not be looked into. If the server ends with "
                "\"recovery ended before configured recovery target was reached\", none did: restore "
                "with --latest");
            return;
        }
        std::string message =
            "no transaction in the WAL that can be reached ended after " + format_target_time(target.time);
        std::optional<MicroTime> last = end->last_time;
        if (const auto known = last ? std::nullopt : last_of(&WalFacts::greatest_end))
            last = MicroTime(std::chrono::microseconds(known->time));
        if (last) {
            message += "; the last one did at " + format_target_time(*last) +
                       ", so the latest time that works is " +
                       format_target_time(*last - std::chrono::microseconds(1));
        }
        throw Error(ErrorKind::integrity, message,
                    std::string("PostgreSQL stops at a time only where it finds a later transaction; ") +
                        (made_.choice.reach.gap ? "--as-far-as-possible" : "--latest") +
                        " brings back everything that is archived, and --target-lsn " +
                        format_lsn(end->last_record) + " does and stops there");
    }

    /// The restore points of that name behind a backup, for people.
    std::vector<std::string> points(const archive::SurveyedBackup& backup, const archive::Reach& reach,
                                    const std::string& name) {
        std::vector<std::string> found;
        const std::uint64_t from = backup.label.stop_lsn;
        facts_->walk(backup, reach, from, reach.end_lsn, [&](const PathFacts::Segment& segment) {
            for (const WalEvent& event : segment.facts.events) {
                if (event.kind == WalEvent::Kind::restore_point && event.lsn >= from && event.text == name)
                    found.push_back(format_micro_time(event.time) + ", LSN " + format_lsn(event.lsn));
            }
            return true;
        });
        return found;
    }

    /// A restore point's name may have been given twice: PostgreSQL stops at the first.
    void count_name() {
        const auto found = points(backup(), made_.choice.reach, made_.target.text);
        if (found.size() < 2) return;
        std::string all;
        for (const std::string& each : found) all += (all.empty() ? "" : "; ") + each;
        made_.notes.push_back("that restore point exists " + std::to_string(found.size()) +
                              " times, and recovery stops at the first: " + all +
                              ". For another one use --target-lsn");
    }

    /// The last one on the way, of those that each segment tells.
    std::optional<WalMoment> last_of(std::optional<WalMoment> WalFacts::*moment) {
        const archive::Reach& reach = made_.choice.reach;
        const auto names = search_->segments(backup(), reach, backup().label.stop_lsn, reach.end_lsn);
        std::optional<WalFacts> behind;
        for (std::size_t i = names ? names->size() : 0; i-- > 0;) {
            auto facts = facts_->of((*names)[i]);
            if (facts && facts->tail && behind) join_facts(*facts, *behind);
            if (facts && *facts.*moment) return *facts.*moment;
            behind = std::move(facts);
        }
        return std::nullopt;
    }

    /// The last commit before the gap or the conflict at which the way ends.
    void go_as_far_as_possible() {
        const archive::Reach& reach = made_.choice.reach;
        // What it has may lead further, and the server opens for good.
        if (!made_.silent.empty()) {
            throw Error(ErrorKind::unreachable,
                        "how far recovery can go is not known: " + listed(made_.silent) + " did not answer",
                        advice_on_silent(made_.silent));
        }
        const std::optional<WalMoment> commit = last_commit(reach);
        made_.target.action = TargetAction::promote;
        made_.target.kind = commit ? TargetKind::lsn : TargetKind::immediate;
        if (commit) made_.target.lsn = commit->lsn;
        std::string note = commit ? "recovery ends with the commit at " + format_micro_time(commit->time) +
                                        ", LSN " + format_lsn(commit->lsn) + ", and opens there"
                                  : std::string(
                                        "no commit lies behind the backup: recovery ends where it is "
                                        "consistent, and opens there");
        if (reach.gap) {
            note += "; lost is what came after it: " + reach.gap->first_missing + " is missing, and " +
                    reach.gap->next_held + " is there";
        }
        made_.notes.push_back(note);
    }

    /// Throws where a later one than those that are known may be there: it would be lost unsaid.
    std::optional<WalMoment> last_commit(const archive::Reach& reach) {
        std::optional<WalMoment> commit;
        std::string place, unknown;  // of that commit, and of what is not known: positions, not timelines
        const std::size_t before = facts_->unknown().size();
        facts_->walk(backup(), reach, backup().label.stop_lsn, reach.end_lsn,
                     [&](const PathFacts::Segment& segment) {
                         const auto& last = segment.facts.last_commit;
                         if (!last || last->lsn < backup().label.stop_lsn) return true;
                         if (last->lsn >= reach.end_lsn) {
                             unknown = segment.name.text;
                             return true;
                         }
                         commit = last;
                         place = segment.name.text.substr(8);
                         return true;
                     });
        for (std::size_t i = before; i < facts_->unknown().size(); ++i) {
            const std::string& each = facts_->unknown()[i];
            if (!commit || !WalName::parse(each) || each.substr(8) >= place) unknown = each;
        }
        if (unknown.empty()) return commit;
        throw Error(
            ErrorKind::integrity,
            "which commit is the last one before the gap is not known: " + unknown +
                " could not be looked into, and commits in it would be lost",
            "repair it (`walferry check` names what is damaged), or say where recovery is to end, with "
            "--target-time or --target-lsn and --target-action promote");
    }

    void find_late_tablespaces() {
        made_.late = late_tablespaces(*facts_, backup(), made_.choice.reach, made_.target);
        refuse_unknown_tablespaces();
        refuse_later_tablespaces();
    }

    /// What a person must know where the WAL does not tell.
    void refuse_unknown_tablespaces() {
        const std::set<std::string> unknown(facts_->unknown().begin(), facts_->unknown().end());
        if (unknown.empty()) return;
        const std::string what = "whether recovery creates tablespaces is not known for " +
                                 counted(unknown.size(), "segment", "segments") + ", such as " +
                                 *unknown.begin() + ", which could not be looked into";
        const auto living = living_servers(made_.survey->system_identifier());
        if (living.empty() || options_.unchecked_tablespaces) {
            made_.notes.push_back(what +
                                  ": where a server of this host has tablespaces that are newer than the "
                                  "backup, its files would be overwritten");
            return;
        }
        throw Error(
            ErrorKind::usage,
            what + ", and the cluster's own server runs on this host, in " + living.front().data,
            "restore on another host, or to a target before those segments, or, where that server has no "
            "tablespace that is newer than the backup, with --unchecked-tablespaces");
    }

    /// What the server itself archives while this recovery goes on is replayed as well, where nothing ends
    /// it.
    void refuse_later_tablespaces() {
        const bool follows = options_.standby;
        if (!follows && made_.target.kind != TargetKind::latest && made_.target.kind != TargetKind::xid)
            return;
        for (const LivingServer& server : living_servers(made_.survey->system_identifier())) {
            std::string why;
            for (const auto& [oid, path] : server.tablespaces) {
                if (!is_known(oid)) why = "it has a tablespace at " + path + ", which the backup does not";
            }
            if (why.empty() && follows) why = "a standby replays every tablespace that is made there";
            if (why.empty() || options_.unchecked_tablespaces) {
                made_.notes.push_back("a tablespace that is made by the server in " + server.data +
                                      " before recovery has ended would be created over its files: make none "
                                      "until then");
                continue;
            }
            throw Error(
                ErrorKind::usage,
                "the cluster's own server runs on this host, in " + server.data +
                    ", and replay would write into the tablespaces that are made there: " + why,
                "restore on another host, or to a target that is archived already, or make a new base "
                "backup; or, where no such tablespace will be, with --unchecked-tablespaces");
        }
    }

    /// A copy that was restored here earlier may have it in another place.
    bool is_known(std::uint32_t tablespace) const {
        const auto has = [&](const auto& all) {
            return std::any_of(all.begin(), all.end(),
                               [&](const auto& each) { return each.oid == tablespace; });
        };
        return has(backup().label.tablespaces) || has(made_.late);
    }

    const Settings& settings_;
    const RestoreOptions& options_;
    RestoreDecision made_;
    std::optional<WalSearch> search_;
    std::optional<PathFacts> facts_;
};

}  // namespace

RestoreDecision decide_restore(const Settings& settings, const RestoreOptions& options) {
    return Decider(settings, options).decide();
}

}  // namespace walferry::restore
