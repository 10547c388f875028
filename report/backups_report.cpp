#include "report/backups_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/codec/wal_facts_text.hpp"
#include "common/micro_time.hpp"
#include "common/wal/lsn.hpp"
#include "common/wal/system_identifier.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"

namespace walferry::report {
namespace {

/// When the last of it was archived. A timeline that was left had ended when its successor began, whenever a
/// host archived its last segment once more.
std::optional<std::string> until_of(archive::ArchiveSurvey& survey, const archive::Reach& reach) {
    if (!reach.last) return std::nullopt;
    auto until = survey.spooled_at(*reach.last);
    for (const TimelineHistory& history : survey.histories()) {
        for (const TimelineSpan& span : history.spans) {
            if (span.timeline != reach.timeline || span.end != reach.end_lsn) continue;
            const std::string name =
                WalName::segment_at(history.timeline, 0, 1 << 24).text.substr(0, 8) + ".history";
            const auto left = survey.spooled_at(*WalName::parse(name));
            if (until && left && *left < *until) until = left;
        }
    }
    return until;
}

/// The last commit in what is reached; nullopt where it is not known, or far back.
std::optional<std::int64_t> last_commit(archive::ArchiveSurvey& survey, const archive::Reach& reach) {
    constexpr int most_back = 16;  // segments
    std::optional<WalName> name = reach.last;
    for (int i = 0; name && i < most_back; ++i) {
        const auto content = survey.content(*name);
        const auto envelope = content ? survey.envelope(*name, *content) : std::nullopt;
        const auto facts = envelope ? parse_facts(envelope->facts) : std::nullopt;
        if (!facts) return std::nullopt;
        if (facts->last_commit) return facts->last_commit->time;
        const std::uint64_t size = facts->end - facts->begin;
        if (size == 0 || facts->begin < size) return std::nullopt;
        name = WalName::segment_at(name->timeline, facts->begin - size, size);
    }
    return std::nullopt;
}

nlohmann::json reach_json(archive::ArchiveSurvey& survey, const BackupLabel& label,
                          const archive::Reach& reach) {
    nlohmann::json gap = nullptr;
    if (reach.gap) gap = {{"first_missing", reach.gap->first_missing}, {"next_held", reach.gap->next_held}};
    const auto until = until_of(survey, reach);
    const auto commit = last_commit(survey, reach);
    return {
        {"timeline", reach.timeline},
        {"consistent", reach.consistent},
        {"from", label.stopped_at},
        {"from_lsn", format_lsn(label.stop_lsn)},
        {"until", console::json_or_null(until ? std::optional(std::max(*until, label.stopped_at)) : until)},
        {"until_lsn", format_lsn(reach.end_lsn)},
        {"last_commit", commit ? nlohmann::json(format_micro_time(*commit)) : nlohmann::json(nullptr)},
        {"last_segment", reach.last ? nlohmann::json(reach.last->text) : nlohmann::json(nullptr)},
        {"gap", gap}};
}

nlohmann::json reaches_json(archive::ArchiveSurvey& survey, const BackupLabel& label,
                            const archive::ReachFrom& from) {
    auto json = nlohmann::json::array();
    for (const archive::Reach& reach : from.timelines) json.push_back(reach_json(survey, label, reach));
    return json;
}

nlohmann::json backup_json(archive::ArchiveSurvey& survey, const archive::SurveyedBackup& backup) {
    const BackupLabel& label = backup.label;
    nlohmann::json json{{"id", label.id.text},
                        {"started_at", label.started_at},
                        {"stopped_at", label.stopped_at},
                        {"size", label.size()},
                        {"object_size", label.object_size()},
                        {"pg_version", label.pg_version},
                        {"timeline", label.timeline},
                        {"start_lsn", format_lsn(label.start_lsn)},
                        {"stop_lsn", format_lsn(label.stop_lsn)},
                        {"data_directory", label.data_directory},
                        {"data_directory_mode", octal_mode(label.data_directory_mode)},
                        {"settings", label.settings},
                        {"replication_slots", label.replication_slots},
                        {"missing", label.missing},
                        {"missing_pieces", backup.missing_pieces},
                        {"reach", reaches_json(survey, label, backup.together)}};
    auto& stores = json["stores"] = nlohmann::json::array();
    for (const archive::SurveyedBackup::Copy& copy : backup.copies) {
        const std::string& name = survey.stores()[copy.store].settings->name;
        nlohmann::json store{{"name", name}, {"missing_pieces", copy.missing_pieces}};
        store["marked_at"] = copy.marked.empty() ? nlohmann::json(nullptr) : nlohmann::json(copy.marked);
        for (const archive::ReachFrom& each : backup.each) {
            if (each.store == name) store["reach"] = reaches_json(survey, label, each);
        }
        stores.push_back(std::move(store));
    }
    auto& tablespaces = json["tablespaces"] = nlohmann::json::array();
    for (const BackupLabel::Tablespace& each : label.tablespaces)
        tablespaces.push_back({{"oid", each.oid}, {"name", each.name}, {"location", each.location}});
    return json;
}

std::string held_by(const archive::ArchiveSurvey& survey, const archive::SurveyedBackup& backup) {
    std::string text;
    for (const archive::SurveyedBackup::Copy& copy : backup.copies) {
        text += (text.empty() ? "" : ", ") + survey.stores()[copy.store].settings->name;
        if (copy.missing_pieces > 0)
            text += " (" + counted(copy.missing_pieces, "piece is", "pieces are") + " missing)";
        if (!copy.marked.empty()) text += " (marked for removal at " + copy.marked + ")";
    }
    return text;
}

std::string reach_line(archive::ArchiveSurvey& survey, const BackupLabel& label,
                       const archive::Reach& reach) {
    if (!reach.consistent) {
        return "CANNOT BE RESTORED along timeline " + std::to_string(reach.timeline) +
               ": the backup needs WAL up to " + format_lsn(label.stop_lsn) +
               (reach.last ? ", and there is WAL only up to segment " + reach.last->text
                           : std::string(", and there is none of it"));
    }
    // Its last segment is archived while the backup ends, a moment before that moment is noted.
    const auto until = until_of(survey, reach);
    const bool fresh = until && *until < label.stopped_at;
    std::string text = "timeline " + std::to_string(reach.timeline) + ": " +
                       (fresh ? "at " + label.stopped_at + ", with the end of segment " + reach.last->text +
                                    " (LSN " + format_lsn(reach.end_lsn) + "); nothing later is archived yet"
                              : "from " + label.stopped_at + " " + describe_end(survey, reach));
    if (reach.gap && survey.has_expired(reach.gap->first_missing))
        text += "; the WAL behind it has expired";
    else if (reach.gap)
        text += "; GAP: " + reach.gap->first_missing + " is missing, " + reach.gap->next_held + " is there";
    return text;
}

/// Says something of a store alone only where it leads less far than all together.
void add_weaker_stores(archive::ArchiveSurvey& survey, const archive::SurveyedBackup& backup,
                       std::string& text) {
    for (const archive::ReachFrom& each : backup.each) {
        for (const archive::Reach& reach : each.timelines) {
            const archive::Reach* together = backup.reach(reach.timeline);
            if (together != nullptr && reach.end_lsn < together->end_lsn)
                text += "    " + each.store + " alone, " + reach_line(survey, backup.label, reach) + "\n";
        }
    }
}

bool is_sound(const archive::ArchiveSurvey& survey, const archive::SurveyedBackup& backup) {
    return backup.missing_pieces == 0 && backup.label.missing.empty() &&
           std::all_of(backup.together.timelines.begin(), backup.together.timelines.end(),
                       [&](const archive::Reach& reach) {
                           return reach.consistent &&
                                  (!reach.gap || survey.has_expired(reach.gap->first_missing));
                       });
}

std::string plural_list(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

std::string describe_end(archive::ArchiveSurvey& survey, const archive::Reach& reach) {
    if (!reach.last) return "nowhere";
    const auto until = until_of(survey, reach);
    const auto commit = last_commit(survey, reach);
    return "to the end of segment " + reach.last->text + " (LSN " + format_lsn(reach.end_lsn) + ")" +
           (commit ? ", last commit at " + format_micro_time(*commit) : "") +
           (until ? ", archived at " + *until : "");
}

nlohmann::json backups_json(archive::ArchiveSurvey& survey, const std::vector<std::uint64_t>& earlier) {
    nlohmann::json json{{"system_identifier", std::to_string(survey.system_identifier())},
                        {"problems", survey.problems()},
                        {"unfinished", survey.unfinished()},
                        {"conflicts", survey.conflicts()},
                        {"divergent", survey.divergent()}};
    auto& backups = json["backups"] = nlohmann::json::array();
    for (const archive::SurveyedBackup& backup : survey.backups())
        backups.push_back(backup_json(survey, backup));
    auto& others = json["earlier_system_identifiers"] = nlohmann::json::array();
    for (const std::uint64_t each : earlier) others.push_back(std::to_string(each));
    auto& silent = json["silent_stores"] = nlohmann::json::array();
    for (const archive::ArchiveSurvey::Store& store : survey.stores()) {
        if (store.trouble)
            silent.push_back({{"name", store.settings->name}, {"error", store.trouble->message()}});
    }
    return json;
}

std::string backups_text(archive::ArchiveSurvey& survey, const std::vector<std::uint64_t>& earlier) {
    std::string text;
    if (!earlier.empty())
        text += "backups of system identifier " + std::to_string(survey.system_identifier()) + " (created " +
                creation_date(survey.system_identifier()) + "):\n";
    for (const archive::SurveyedBackup& backup : survey.backups()) {
        const BackupLabel& label = backup.label;
        text += label.id.text + "  PostgreSQL " + label.pg_version + ", timeline " +
                std::to_string(label.timeline) + ", " + format_bytes(label.size()) + ", stored as " +
                format_bytes(label.object_size()) + "\n  started " + label.started_at + ", complete at " +
                label.stopped_at + "\n  held by " + held_by(survey, backup) + "\n";
        for (const std::string& each : label.missing)
            text += "  NOT RESTORABLE, it is incomplete: " + one_line(each) + "\n";
        if (backup.missing_pieces > 0) text += "  DAMAGED: no store has all of its pieces\n";
        for (const archive::Reach& reach : backup.together.timelines)
            text += "  " + reach_line(survey, label, reach) + "\n";
        add_weaker_stores(survey, backup, text);
    }
    if (survey.backups().empty())
        text += "there is no complete backup of cluster " + std::to_string(survey.system_identifier()) + "\n";
    if (!survey.unfinished().empty())
        text += "not complete, under way or ended early: " + plural_list(survey.unfinished()) + "\n";
    for (const std::string& problem : survey.problems()) text += "PROBLEM: " + one_line(problem) + "\n";
    for (const std::string& name : survey.conflicts())
        text += "CONFLICT: " + name + " has duplicates with different content; see `walferry conflicts`\n";
    if (!survey.divergent().empty())
        text += "written differently by several hosts, but only behind the end of its timeline: " +
                plural_list(survey.divergent()) + "; see `walferry conflicts --all`\n";
    for (const archive::ArchiveSurvey::Store& store : survey.stores()) {
        if (store.trouble)
            text += "store " + store.settings->name + " did not answer: " + one_line(store.trouble->what()) +
                    "\n";
    }
    for (const std::uint64_t each : earlier)
        text += "another cluster's archive, created " + creation_date(each) +
                ": `walferry backups --system-identifier " + std::to_string(each) + "`\n";
    return text;
}

int backups_exit_code(const archive::ArchiveSurvey& survey) {
    int code = survey.silent_stores().empty() ? console::exit_code::done : console::exit_code::incomplete;
    const auto& backups = survey.backups();
    if (!survey.problems().empty() || !survey.conflicts().empty() ||
        !std::all_of(backups.begin(), backups.end(),
                     [&](const auto& backup) { return is_sound(survey, backup); }))
        code = console::worse_exit(code, console::exit_code::integrity);
    return code;
}

}  // namespace walferry::report
