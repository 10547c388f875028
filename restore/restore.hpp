#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"
#include "restore/restore_choice.hpp"

namespace walferry::restore {

struct RestoreOptions {
    std::string to;
    RestoreWish wish;
    StoreSelection stores;
    std::vector<std::pair<std::string, std::string>> tablespaces;
    std::optional<std::uint64_t> system_identifier;
    std::string owner;
    int jobs = 0;          // 0: the configuration's
    std::string programs;  // the folder of PostgreSQL's; empty: looked for
    bool no_archiving = false;
    bool no_spool = false;
    std::string primary_conninfo;  // what a standby streams from; empty: it follows the archive alone
    bool standby = false;          // it is to follow the archive, and what streams, until it is promoted
    bool dry_run = false;
    bool unchecked_tablespaces = false;  // although replay may create some over a running server's

    std::function<void(const std::string&)> say;   // damage and detours, a line each; from any thread
    std::function<void(const std::string&)> tell;  // what will be done, before it is
    std::function<void(const std::string&, std::uint64_t done, std::uint64_t total)>
        show;  // for a progress line
    std::stop_token stop;
};

/// What was done; with dry_run, what would have been.
struct RestoreReport {
    std::string backup;
    std::uint32_t timeline = 0;
    std::string target;
    std::string data_directory;
    std::vector<std::pair<std::string, std::string>> tablespaces;  // old place, new place
    std::string user;
    std::string restore_command;
    std::vector<std::string> without;  // stores that recovery does without, as the operator said
    std::vector<std::string> silent;   // stores that did not answer; recovery asks them
    std::vector<std::string> damaged;  // objects that could not be used
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::string start_command;
    std::string log;                 // of that command
    std::vector<std::string> notes;  // what a person should know or see to
    std::size_t told = 0;            // the first of them were told with the plan
};

/// Restores a base backup and prepares the server's recovery. A directory that it does not finish holds
/// `walferry-restore-incomplete`, and no PG_VERSION, without which no server starts.
RestoreReport restore_backup(const Settings& settings, const RestoreOptions& options);

}  // namespace walferry::restore
