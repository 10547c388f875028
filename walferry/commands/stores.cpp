#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/spool/spool_lock.hpp"
#include "common/store/stores.hpp"
#include "console/json_text.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    bool json = false;
    std::string retire;
};

std::string place(const StoreIdentity& store) {
    std::string text = store.endpoint;
    if (!store.bucket.empty()) text += "/" + store.bucket;
    if (!store.prefix.empty()) text += "/" + store.prefix;
    return text;
}

int show(Ledger& ledger, bool json) {
    const auto rows = ledger.all_stores();
    if (json) {
        nlohmann::json array = nlohmann::json::array();
        for (const StoreRow& row : rows) {
            array.push_back({{"name", row.identity.name},
                             {"type", row.identity.type},
                             {"endpoint", row.identity.endpoint},
                             {"bucket", row.identity.bucket},
                             {"prefix", row.identity.prefix},
                             {"added_at", row.added_at},
                             {"retired_at", console::json_or_null(row.retired_at)}});
        }
        std::printf("%s\n", console::json_text(array).c_str());
        return 0;
    }
    if (rows.empty())
        std::printf("the ledger knows no store yet: the first drain adds those of the configuration\n");
    for (const StoreRow& row : rows) {
        std::printf("%-16s %-10s %s\n  added %s%s\n", row.identity.name.c_str(), row.identity.type.c_str(),
                    place(row.identity).c_str(), row.added_at.c_str(),
                    row.retired_at ? (", retired " + *row.retired_at).c_str() : "");
    }
    return 0;
}

int retire(const Settings& settings, Ledger& ledger, const std::string& name) {
    const auto rows = ledger.active_stores();
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const StoreRow& r) { return r.identity.name == name; });
    if (row == rows.end())
        throw Error(ErrorKind::usage, "the ledger knows no active store " + name,
                    "`walferry stores` shows them");
    for (const StoreSettings& store : settings.stores) {
        if (identity_of(store) == row->identity) {
            throw Error(
                ErrorKind::usage,
                "store " + name + " is still in " + settings.file + ": the next drain would add it again",
                "take it out of the configuration, or let it point elsewhere, first");
        }
    }
    // Not beside a drain, which has read which stores a deletion needs.
    const SpoolLock lock(SpoolPaths(settings.spool), std::chrono::milliseconds(0), {});
    ledger.retire_store(row->id, wall_now());
    std::printf("store %s is retired: what it holds stays there, deletions no longer wait for it\n",
                name.c_str());
    return 0;
}

}  // namespace

CommandBody declare_stores(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_flag("--json", options->json, "As JSON");
    CLI::App* retire_app =
        app.add_subcommand("retire", "Stop waiting for a store that left the configuration or moved");
    retire_app->add_option("NAME", options->retire, "The store")->required();
    app.footer(
        "A segment leaves the spool when every active store has it verified. So a store that\n"
        "vanishes from the configuration, or points elsewhere, stops the drain until it is\n"
        "retired here: a typing error must not lower what a deletion needs.\n\n");
    return [options](const GlobalOptions& global) {
        const Settings settings = load_settings(settings_path(global.config));
        Ledger ledger(SpoolPaths(settings.spool), Ledger::Open::existing);
        return options->retire.empty() ? show(ledger, options->json)
                                       : retire(settings, ledger, options->retire);
    };
}

}  // namespace walferry::commands
