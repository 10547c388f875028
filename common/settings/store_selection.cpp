#include "common/settings/store_selection.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace walferry {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool StoreSelection::includes(const std::string& store) const noexcept {
    return (only.empty() || holds(only, store)) && !holds(without, store);
}

void require_stores(const Settings& settings, const std::vector<std::string>& names, const char* option) {
    for (const std::string& name : names) {
        if (std::none_of(settings.stores.begin(), settings.stores.end(),
                         [&](const StoreSettings& store) { return store.name == name; }))
            throw Error(ErrorKind::usage,
                        std::string(option) + " " + name + ": there is no such store in " + settings.file);
    }
}

std::vector<const StoreSettings*> select_stores(const Settings& settings, const StoreSelection& selection) {
    require_stores(settings, selection.only, "--only");
    require_stores(settings, selection.without, "--without");
    std::vector<const StoreSettings*> selected;
    for (const StoreSettings& store : settings.stores) {
        if (selection.includes(store.name)) selected.push_back(&store);
    }
    if (selected.empty()) throw Error(ErrorKind::usage, "--only and --without leave no store to ask");
    return selected;
}

}  // namespace walferry
