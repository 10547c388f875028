#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/stored_indexes.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"

namespace walferry::report {

/// Backups by their indexes: what a host that cannot decrypt knows of them.
struct IndexedBackups {
    struct Copy {
        std::string store;
        bool labelled = false;
        std::uint64_t missing = 0;                 // objects
        std::optional<std::uint64_t> missing_wal;  // segments from its first to its last; nullopt: no index
        std::string problem;                       // of its index
    };
    struct Backup {
        BackupId id;
        std::optional<BackupIndex> index;  // nullopt: no store has one that can be used
        std::vector<Copy> copies;
    };
    struct Silent {
        std::string store, why;
    };

    std::uint64_t system_identifier = 0;
    std::vector<Backup> backups;  // the oldest first
    std::vector<Silent> silent;
};

/// Asks one store after the other. Throws what concerns no store alone, and the last store's error where none
/// has answered.
IndexedBackups find_indexed_backups(const Settings& settings, const StoreSelection& selection,
                                    std::uint64_t system_identifier, const std::stop_token& stop);

nlohmann::json indexed_backups_json(const IndexedBackups& found, const std::vector<std::uint64_t>& earlier);
std::string indexed_backups_text(const IndexedBackups& found, const std::vector<std::uint64_t>& earlier);

/// integrity where objects of a backup are missing or its index cannot be used, incomplete where a store is
/// silent.
int indexed_backups_exit_code(const IndexedBackups& found);

}  // namespace walferry::report
