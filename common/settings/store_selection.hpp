#pragma once
#include <string>
#include <vector>

#include "common/settings/settings.hpp"

namespace walferry {

/// Which of the configured stores a command asks: --only and --without.
struct StoreSelection {
    std::vector<std::string> only;     // empty: all
    std::vector<std::string> without;  // left out in any case

    bool includes(const std::string& store) const noexcept;
    /// Whether no store is left out but by --without.
    bool asks_all() const noexcept { return only.empty(); }
};

/// Throws usage for a name that the configuration does not have.
void require_stores(const Settings& settings, const std::vector<std::string>& names, const char* option);

/// Those that are selected, in the order of the configuration. Throws usage for a name that the configuration
/// does not have, and where none is left.
std::vector<const StoreSettings*> select_stores(const Settings& settings, const StoreSelection& selection);

}  // namespace walferry
