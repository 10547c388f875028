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
    bool all = false;
    bool json = false;
};

int run(const GlobalOptions& global, const Options& options) {
    const Settings settings = load_settings(settings_path(global.config));
    const auto rows = Ledger(SpoolPaths(settings.spool), Ledger::Open::existing).conflicts(options.all);
    if (options.json) {
        nlohmann::json json = nlohmann::json::array();
        for (const ConflictRow& row : rows) {
            json.push_back(
                {{"system_identifier", std::to_string(row.system_identifier)},
                 {"name", row.name},
                 {"store", row.store.empty() ? nlohmann::json(nullptr) : nlohmann::json(row.store)},
                 {"ours", row.ours},
                 {"theirs", row.theirs},
                 {"seen_at", row.seen_at},
                 {"settled_at", json_or_null(row.settled_at)}});
        }
        std::printf("%s\n", json_text(json).c_str());
        return 0;
    }
    if (rows.empty()) std::printf("no conflicts\n");
    for (const ConflictRow& row : rows) {
        std::printf("%s of cluster %llu, seen %s %s%s\n  ours   %s\n  theirs %s\n%s",
                    one_line(row.name).c_str(), static_cast<unsigned long long>(row.system_identifier),
                    row.store.empty() ? "in" : "in store",
                    row.store.empty() ? "the spool" : row.store.c_str(), (" at " + row.seen_at).c_str(),
                    row.ours.c_str(), row.theirs.c_str(),
                    row.settled_at ? ("  settled at " + *row.settled_at + "\n").c_str() : "");
    }
    return 0;
}

}  // namespace

CommandBody declare_conflicts(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_flag("--all", options->all, "Settled ones too");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "A conflict is one segment name with two contents. Both are kept, in every store that has\n"
        "them. Usual causes: a copy of the server that was started without a new timeline, and\n"
        "still archives under the old one's names; or two servers that share a cluster name and a\n"
        "system identifier. Stop the wrong one first, then `walferry settle NAME FINGERPRINT`\n"
        "says which content recovery shall take.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry
