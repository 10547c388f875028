#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "archive/archive_view.hpp"
#include "archive/content_judge.hpp"
#include "archive/several_contents.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "server/primary_timeline.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    bool all = false;
    bool json = false;
    bool ledger_only = false;
    std::uint64_t system_identifier = 0;
};

/// A name with several contents, and what is known of it.
struct Found {
    std::uint64_t system_identifier;
    std::string name;
    std::map<std::string, std::vector<std::string>> contents;  // by fingerprint: the stores that have it
    std::set<std::string> settlements;
    std::optional<std::string> settled;
    std::optional<Divergence> divergence;
    std::vector<ConflictRow> rows;  // this host's ledger's

    bool open() const {
        const bool still =
            std::any_of(rows.begin(), rows.end(), [](const ConflictRow& row) { return !row.settled_at; });
        return contents.empty() ? still : !settled && !divergence;
    }
    std::string state() const {
        const bool divergent = divergence || (contents.empty() && !rows.empty() && rows.front().divergence);
        return open() ? "conflict" : divergent ? "divergent" : "settled";
    }
};

struct Answer {
    std::vector<Found> found;
    std::vector<std::pair<std::string, std::string>> silent;
};

std::unique_ptr<Ledger> ledger_here(const Settings& settings) {
    try {
        return std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
    } catch (const Error&) {
        return nullptr;  // a host that restores has none
    }
}

void add_from_stores(const Settings& settings, std::uint64_t cluster, Ledger* ledger,
                     const std::stop_token& stop, const std::function<void(std::size_t)>& show,
                     Answer& answer) {
    archive::JudgesKnowledge knowledge;
    if (ledger != nullptr) {
        knowledge.segment_size = ledger->known_segment_size(cluster);
        knowledge.histories = ledger->histories(cluster);
        knowledge.backups = ledger->backup_starts(cluster);
        knowledge.primary_timeline = server::primary_timeline(settings.server_conninfo, cluster, stop);
    }
    archive::ContentJudge content_judge(settings, cluster, std::move(knowledge), stop);
    answer.silent.insert(answer.silent.end(), content_judge.silent().begin(), content_judge.silent().end());
    for (const archive::NamedContents& named : archive::find_several_contents(content_judge.stores(), show)) {
        Found found{cluster,      named.name,   {}, content_judge.settlements(named.name),
                    std::nullopt, std::nullopt, {}};
        std::set<std::string> contents;
        for (const auto& [content, stores] : named.contents) {
            contents.insert(content);
            for (const std::size_t store : stores)
                found.contents[content].push_back(content_judge.store_names()[store]);
        }
        found.settled = content_judge.settled(named.name, contents);
        if (!found.settled) found.divergence = content_judge.judge(*WalName::parse(named.name), contents);
        answer.found.push_back(std::move(found));
    }
}

void add_from_ledger(Ledger& ledger, std::uint64_t cluster, Answer& answer) {
    for (ConflictRow& row : ledger.conflicts(true)) {
        if (cluster != 0 && row.system_identifier != cluster) continue;
        auto known = std::find_if(answer.found.begin(), answer.found.end(), [&](const Found& found) {
            return found.system_identifier == row.system_identifier && found.name == row.name;
        });
        if (known == answer.found.end()) {
            answer.found.push_back({row.system_identifier, row.name, {}, {}, std::nullopt, std::nullopt, {}});
            known = std::prev(answer.found.end());
        }
        known->rows.push_back(std::move(row));
    }
}

nlohmann::json as_json(const Found& found) {
    nlohmann::json json{{"system_identifier", std::to_string(found.system_identifier)},
                        {"name", found.name},
                        {"state", found.state()},
                        {"settled_for", found.settlements},
                        {"store", nullptr},
                        {"ours", nullptr},
                        {"theirs", nullptr},
                        {"seen_at", nullptr},
                        {"settled_at", nullptr},
                        {"fork", nullptr},
                        {"compared", nullptr}};
    auto& contents = json["contents"] = nlohmann::json::array();
    for (const auto& [content, stores] : found.contents)
        contents.push_back({{"fingerprint", content}, {"stores", stores}});
    if (found.divergence) {
        json["fork"] = found.divergence->fork;
        json["compared"] = found.divergence->compared;
    }
    auto& seen = json["seen"] = nlohmann::json::array();
    for (const ConflictRow& row : found.rows) {
        seen.push_back(
            {{"store", row.store.empty() ? nlohmann::json(nullptr) : nlohmann::json(row.store)},
             {"ours", row.ours},
             {"theirs", row.theirs},
             {"seen_at", row.seen_at},
             {"settled_at", row.divergence ? nlohmann::json(nullptr) : console::json_or_null(row.settled_at)},
             {"divergence", console::json_or_null(row.divergence)}});
    }
    if (!found.rows.empty()) {
        const ConflictRow& row = found.rows.front();
        if (!row.store.empty()) json["store"] = row.store;
        json["ours"] = row.ours;
        json["theirs"] = row.theirs;
        json["seen_at"] = row.seen_at;
        if (!row.divergence) json["settled_at"] = console::json_or_null(row.settled_at);
    }
    return json;
}

void print(const Found& found) {
    std::printf("%s of cluster %llu: %s\n", one_line(found.name).c_str(),
                static_cast<unsigned long long>(found.system_identifier),
                found.state() == "divergent"
                    ? "written differently behind the end of its timeline, no conflict"
                    : found.state().c_str());
    for (const auto& [content, stores] : found.contents) {
        std::string holders;
        for (const std::string& store : stores) holders += (holders.empty() ? "" : ", ") + store;
        std::printf("  content %s in %s%s\n", content.c_str(), holders.c_str(),
                    found.settled == content ? ", which recovery takes" : "");
    }
    if (found.divergence) {
        std::printf("  its timeline was left at %s%s\n", found.divergence->fork.c_str(),
                    found.divergence->compared ? "; before it they are the same" : "; not compared");
    }
    for (const ConflictRow& row : found.rows) {
        std::printf("  seen %s%s at %s: ours %s, theirs %s%s\n",
                    row.store.empty() ? "in the spool" : "in store ", row.store.c_str(), row.seen_at.c_str(),
                    row.ours.c_str(), row.theirs.c_str(),
                    row.settled_at && !row.divergence ? (", settled at " + *row.settled_at).c_str() : "");
    }
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    const Settings settings = load_settings(settings_path(global.config));
    const auto ledger = ledger_here(settings);
    Answer answer;
    if (!options.ledger_only) {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        std::atomic<std::size_t> seen = 0;
        const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds, std::size_t) {
            return "looking through the stores: " + std::to_string(seen.load()) + " objects so far";
        });
        std::set<std::uint64_t> clusters;
        try {
            if (options.system_identifier != 0)
                clusters.insert(options.system_identifier);
            else
                clusters = archive::ArchiveView(settings, {}).system_identifiers();
        } catch (const Error& error) {
            // An archive that has not begun holds no conflict; what the ledger knows is shown in any case.
            if (error.kind() != ErrorKind::not_found) answer.silent.emplace_back("", error.what());
        }
        for (const std::uint64_t cluster : clusters) {
            add_from_stores(
                settings, cluster, ledger.get(), signals.token(),
                [&](std::size_t objects) { seen = objects; }, answer);
        }
    }
    if (ledger) add_from_ledger(*ledger, options.system_identifier, answer);
    std::erase_if(answer.found, [&](const Found& found) { return !options.all && !found.open(); });
    if (options.json) {
        nlohmann::json json = nlohmann::json::array();
        for (const Found& found : answer.found) json.push_back(as_json(found));
        std::printf("%s\n", console::json_text(json).c_str());
    } else if (answer.found.empty()) {
        std::printf("no conflicts\n");
    } else {
        for (const Found& found : answer.found) print(found);
    }
    for (const auto& [store, why] : answer.silent)
        std::fprintf(stderr, "walferry: %s%s\n",
                     store.empty() ? "" : ("store " + store + " did not answer: ").c_str(),
                     one_line(why).c_str());
    return answer.silent.empty() ? console::exit_code::done : console::exit_code::incomplete;
}

}  // namespace

CommandBody declare_conflicts(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_flag("--all", options->all,
                 "Also what was settled, and what differs behind the end of a timeline");
    app.add_flag("--ledger", options->ledger_only,
                 "Only what this host's ledger knows, without asking the stores");
    app.add_option("--system-identifier", options->system_identifier, "Of this cluster only")->type_name("N");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "A conflict is one segment name with two different contents. Both are kept, in every store that has\n"
        "them. Usual causes: a copy of the server that was started without a new timeline, and\n"
        "still archives under the old one's names; or two servers that share a cluster name and a\n"
        "system identifier. Stop the wrong one first, then `walferry settle NAME FINGERPRINT`\n"
        "says which content recovery shall take.\n"
        "What hosts wrote behind the place where a timeline was left (a failover) may differ and is\n"
        "no conflict: --all shows it. With an identity the contents are compared up to that place.\n"
        "All of the WAL in the stores is listed: a request for each thousand segments. Ends with 4\n"
        "where a store did not answer.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
