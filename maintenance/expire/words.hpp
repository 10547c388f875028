#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "maintenance/expire/stored_words.hpp"

namespace walferry::expire {

/// What became of a person's word in one store.
struct WordReport {
    std::string store;
    std::string text;              // a sentence
    std::optional<Error> problem;  // it is not said there
};

struct WordOptions {
    BackupId backup;
    std::optional<std::uint64_t> system_identifier;  // nullopt: of the cluster that has the backup
    std::stop_token stop;
};

/// Puts the hold into every store: it counts in all of them, wherever it is seen. Throws not_found where
/// every store answered and none has the backup.
std::vector<WordReport> hold(const Settings& settings, const WordOptions& options, const std::string& reason,
                             std::optional<WallTime> until);

/// Ends every hold of the backup, in every store.
std::vector<WordReport> release(const Settings& settings, const WordOptions& options);

/// Takes the backup's marks back, store by store.
std::vector<WordReport> take_back(const Settings& settings, const WordOptions& options);

}  // namespace walferry::expire
