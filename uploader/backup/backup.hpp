#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "console/outcome.hpp"
#include "uploader/drain/progress.hpp"

namespace walferry::backup {

struct BackupOptions {
    std::string label;  // for people
    bool fast_checkpoint = false;
    std::uint64_t max_rate_kib = 0;  // a second; 0: none
    bool verify_checksums = true;
    bool drain = true;  // its own WAL, where this host has the spool
};

struct BackupResult {
    struct Store {
        std::string name;
        bool complete = false;                     // the backup is there, verified
        std::optional<std::uint64_t> missing_wal;  // segments from its start to its stop; none: not known
        bool restorable = false;
        std::string error;  // why it was given up; empty: it was not
    };
    int exit_code = 0;
    std::string id;
    std::uint64_t system_identifier = 0;
    std::string start_lsn, stop_lsn, started_at, stopped_at;
    std::uint32_t timeline = 0;
    std::string first_segment, last_segment;
    std::uint64_t size = 0, object_size = 0;
    std::vector<std::string> config_files;
    std::vector<std::string> missing;  // of the cluster; not restorable unless empty
    std::vector<Store> stores;
    std::chrono::milliseconds elapsed{0};
};

/// Makes a base backup of the configured server in every store. Throws when there is none at the end; what
/// went wrong beside one that exists is in the result and in `outcome`.
BackupResult make_backup(const Settings& settings, const BackupOptions& options, console::Outcome& outcome,
                         drain::Progress& progress, const std::stop_token& stop);

}  // namespace walferry::backup
