#include "report/indexed_backups.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "archive/listed_range.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/wal/system_identifier.hpp"
#include "common/wal/wal_name.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"

namespace walferry::report {
namespace {

/// How many segments of the backup's own WAL the store's listing does not show.
std::uint64_t missing_wal(ObjectStore& store, const ObjectKeys& keys, const BackupIndex& index) {
    const auto position = [&](const std::string& segment) {
        return WalName::parse(segment)->start_lsn(index.segment_size).value_or(0) / index.segment_size;
    };
    std::set<std::string> listed;
    for (const ListedObject& object :
         archive::list_range(store, keys, index.system_identifier, index.first_segment, index.last_segment))
        listed.insert(object.name.text);
    const std::uint64_t needed = position(index.last_segment) - position(index.first_segment) + 1;
    return needed - std::min<std::uint64_t>(needed, listed.size());
}

bool is_restorable(const IndexedBackups::Backup& backup, const IndexedBackups::Copy& copy) {
    return backup.index && backup.index->complete && copy.labelled && copy.missing == 0 &&
           copy.missing_wal == 0;
}

std::string copy_line(const IndexedBackups::Backup& backup, const IndexedBackups::Copy& copy) {
    if (!copy.labelled) return "not complete there: under way, or ended early";
    if (!copy.problem.empty()) return "PROBLEM: its index cannot be used: " + copy.problem;
    if (!copy.missing_wal) return "it has no index there: made by an earlier version, or without its index";
    if (copy.missing > 0) return "DAMAGED: " + counted(copy.missing, "object is", "objects are") + " missing";
    if (*copy.missing_wal > 0)
        return "whole, but " + counted(*copy.missing_wal, "segment", "segments") +
               " of the WAL that it needs " + (*copy.missing_wal == 1 ? "is" : "are") + " not there";
    return backup.index && !backup.index->complete ? "whole" : "whole, with the WAL that it needs";
}

bool is_sound(const IndexedBackups::Copy& copy) {
    return copy.problem.empty() && copy.missing == 0;
}

}  // namespace

IndexedBackups find_indexed_backups(const Settings& settings, const StoreSelection& selection,
                                    std::uint64_t system_identifier, const std::stop_token& stop) {
    IndexedBackups found;
    found.system_identifier = system_identifier;
    const archive::IndexOwner owner{settings.cluster, system_identifier, settings.trusted_writers};
    std::map<BackupId, IndexedBackups::Backup> by_id;
    std::optional<Error> last;
    const auto selected = select_stores(settings, selection);
    for (const StoreSettings* store : selected) {
        try {
            const auto opened = open_store(*store, StoreAccess::restore, nullptr, stop);
            const ObjectKeys keys(store->prefix, settings.cluster, system_identifier);
            std::vector<std::pair<BackupId, IndexedBackups::Copy>> copies;
            for (archive::IndexedBackup& each : archive::list_indexed_backups(*opened, keys, owner)) {
                IndexedBackups::Copy copy{store->name, each.labelled, each.missing, {}, each.problem};
                if (each.index) copy.missing_wal = missing_wal(*opened, keys, *each.index);
                copies.emplace_back(each.id, std::move(copy));
                IndexedBackups::Backup& backup = by_id[each.id];
                backup.id = each.id;
                if (each.index) backup.index = std::move(each.index);
            }
            for (auto& [id, copy] : copies) by_id[id].copies.push_back(std::move(copy));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            found.silent.push_back({store->name, error.what()});
            last = error;
        }
    }
    if (last && found.silent.size() == selected.size()) throw Error(*last);
    for (auto& [id, backup] : by_id) {
        if (!backup.copies.empty()) found.backups.push_back(std::move(backup));
    }
    return found;
}

nlohmann::json indexed_backups_json(const IndexedBackups& found, const std::vector<std::uint64_t>& earlier) {
    nlohmann::json json{{"system_identifier", std::to_string(found.system_identifier)}, {"by", "index"}};
    auto& backups = json["backups"] = nlohmann::json::array();
    for (const IndexedBackups::Backup& backup : found.backups) {
        nlohmann::json one{{"id", backup.id.text}};
        if (const auto& index = backup.index) {
            one.update({{"started_at", index->started_at},
                        {"stopped_at", index->stopped_at},
                        {"size", index->size},
                        {"object_size", index->object_size()},
                        {"pg_version", index->pg_version},
                        {"timeline", index->timeline},
                        {"first_segment", index->first_segment},
                        {"last_segment", index->last_segment},
                        {"complete", index->complete},
                        {"writer",
                         index->writer.empty() ? nlohmann::json(nullptr) : nlohmann::json(index->writer)}});
        }
        auto& stores = one["stores"] = nlohmann::json::array();
        for (const IndexedBackups::Copy& copy : backup.copies) {
            stores.push_back(
                {{"name", copy.store},
                 {"labelled", copy.labelled},
                 {"missing_objects", copy.missing},
                 {"missing_wal",
                  copy.missing_wal ? nlohmann::json(*copy.missing_wal) : nlohmann::json(nullptr)},
                 {"whole", is_restorable(backup, copy)},
                 {"problem", copy.problem.empty() ? nlohmann::json(nullptr) : nlohmann::json(copy.problem)}});
        }
        backups.push_back(std::move(one));
    }
    auto& silent = json["silent_stores"] = nlohmann::json::array();
    for (const auto& each : found.silent) silent.push_back(each.store);
    auto& others = json["earlier_system_identifiers"] = nlohmann::json::array();
    for (const std::uint64_t each : earlier) others.push_back(std::to_string(each));
    return json;
}

std::string indexed_backups_text(const IndexedBackups& found, const std::vector<std::uint64_t>& earlier) {
    std::string text;
    for (const IndexedBackups::Backup& backup : found.backups) {
        text += backup.id.text;
        if (const auto& index = backup.index) {
            text += "  PostgreSQL " + std::to_string(index->pg_version) + ", timeline " +
                    std::to_string(index->timeline) + ", " + format_bytes(index->size) + ", stored as " +
                    format_bytes(index->object_size()) + "\n  started " + index->started_at +
                    ", complete at " + index->stopped_at + "\n  needs WAL from " + index->first_segment +
                    " to " + index->last_segment + "\n";
            if (!index->writer.empty()) text += "  made by " + index->writer + "\n";
            if (!index->complete) text += "  NOT RESTORABLE, it is incomplete\n";
        } else {
            text += "\n";
        }
        for (const IndexedBackups::Copy& copy : backup.copies)
            text += "  in " + copy.store + ": " + one_line(copy_line(backup, copy)) + "\n";
    }
    if (found.backups.empty())
        text += "there is no backup of cluster " + std::to_string(found.system_identifier) + "\n";
    for (const auto& each : found.silent)
        text += "store " + each.store + " did not answer: " + one_line(each.why) + "\n";
    for (const std::uint64_t each : earlier)
        text += "another cluster's archive, created " + creation_date(each) +
                ": `walferry backups --system-identifier " + std::to_string(each) + "`\n";
    return text +
           "There is no identity here: labels were not decrypted, and how far a recovery leads is not "
           "known. `walferry backups` on a host that restores tells it.\n";
}

int indexed_backups_exit_code(const IndexedBackups& found) {
    int code = found.silent.empty() ? console::exit_code::done : console::exit_code::incomplete;
    for (const IndexedBackups::Backup& backup : found.backups) {
        if (!std::all_of(backup.copies.begin(), backup.copies.end(), is_sound) ||
            (backup.index && !backup.index->complete))
            code = console::worse_exit(code, console::exit_code::integrity);
    }
    return code;
}

}  // namespace walferry::report
