#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/error.hpp"
#include "common/ledger.hpp"
#include "common/settings.hpp"
#include "uploader/commands/declare.hpp"
#include "uploader/json_text.hpp"

namespace walferry {
namespace {

struct Options {
    std::string state, store;
    bool json = false;
};

nlohmann::json as_json(const ListRow& row) {
    return {{"system_identifier", std::to_string(row.system_identifier)},
            {"name", row.name},
            {"fingerprint", row.fingerprint},
            {"size", row.size},
            {"spooled_at", row.spooled_at},
            {"removed_at", json_or_null(row.removed_at)},
            {"store", row.store},
            {"state", row.state},
            {"object_key", row.object_key.empty() ? nlohmann::json(nullptr) : nlohmann::json(row.object_key)},
            {"attempts", row.attempts},
            {"last_error", json_or_null(row.last_error)},
            {"verified_at", json_or_null(row.verified_at)}};
}

int run(const GlobalOptions& global, const Options& options) {
    const Settings settings = load_settings(settings_path(global.config));
    Ledger ledger(SpoolPaths(settings.spool), Ledger::Open::existing);
    const auto given = [](const std::string& text) {
        return text.empty() ? std::nullopt : std::optional(text);
    };
    const auto rows = ledger.list(given(options.state), given(options.store));
    if (options.json) {
        nlohmann::json json = nlohmann::json::array();
        for (const ListRow& row : rows) json.push_back(as_json(row));
        std::printf("%s\n", json_text(json).c_str());
        return 0;
    }
    for (const ListRow& row : rows) {
        std::printf("%-40s %12llu  %-16s %-8s  %s\n", one_line(row.name).c_str(),
                    static_cast<unsigned long long>(row.size), row.store.c_str(), row.state.c_str(),
                    row.verified_at.value_or(row.last_error.value_or("")).c_str());
    }
    return 0;
}

}  // namespace

CommandBody declare_list(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("--state", options->state, "Only uploads in this state: pending, stored or verified")
        ->type_name("STATE")
        ->check(CLI::IsMember({"pending", "stored", "verified"}));
    app.add_option("--store", options->store, "Only this store")->type_name("NAME");
    app.add_flag("--json", options->json, "As JSON, with fingerprints and object keys");
    app.footer(
        "A line a segment and store: name, bytes, store, state, and when it was verified or what\n"
        "went wrong last. The same is in the ledger's view `copies`, for the sqlite3 shell.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry
