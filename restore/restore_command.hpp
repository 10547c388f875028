#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/settings/store_selection.hpp"

namespace walferry::restore {

/// What the restored server runs for each segment.
struct RestoreCommand {
    std::string program;        // walferry-archive-get, by its whole path
    std::string configuration;  // its file; empty: the program's default
    StoreSelection stores;
    std::optional<std::uint64_t> system_identifier;
    std::optional<std::string> spool;  // an absolute path
    bool no_spool = false;

    /// As restore_command wants it: words for a shell, and every % of ours doubled.
    std::string text() const;
};

}  // namespace walferry::restore
