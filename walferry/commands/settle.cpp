#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "archive/archive_view.hpp"
#include "archive/settlements.hpp"
#include "common/bytes.hpp"
#include "common/codec/settlement.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/store/stores.hpp"
#include "common/wal/pg_control.hpp"
#include "console/exit_code.hpp"
#include "console/signals.hpp"
#include "transfer/plain_object.hpp"
#include "transfer/put_verified.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    std::string name, fingerprint, system_identifier;
};

constexpr std::chrono::seconds patience{60};

struct Choice {
    std::uint64_t system_identifier;
    std::string fingerprint;
};

std::optional<std::uint64_t> wanted_cluster(const Options& options) {
    if (options.system_identifier.empty()) return std::nullopt;
    if (const auto number = parse_system_identifier(options.system_identifier)) return number;
    throw Error(ErrorKind::usage,
                "--system-identifier: \"" + options.system_identifier + "\" is no system identifier",
                "it is the decimal number that pg_controldata prints");
}

// The content that was named, or this spool's where the conflicts leave no doubt which that is.
std::optional<Choice> choose(const std::vector<ConflictRow>& conflicts, const Options& options) {
    const auto cluster = wanted_cluster(options);
    std::optional<Choice> choice;
    for (const ConflictRow& row : conflicts) {
        const bool named = options.fingerprint == row.ours || options.fingerprint == row.theirs;
        if (row.name != options.name || (!options.fingerprint.empty() && !named)) continue;
        if (cluster && row.system_identifier != *cluster) continue;
        const Choice found{row.system_identifier, named ? options.fingerprint : row.ours};
        if (choice && choice->system_identifier != found.system_identifier) {
            throw Error(ErrorKind::usage, options.name + " is in conflict in two clusters of this spool",
                        "say which one with --system-identifier; `walferry conflicts` shows them");
        }
        if (choice && choice->fingerprint != found.fingerprint) {
            throw Error(ErrorKind::usage,
                        options.name + " came through this spool twice, with different content",
                        "give the FINGERPRINT of the right one; `walferry conflicts` shows them");
        }
        choice = found;
    }
    return choice;
}

// A conflict that recovery met and this ledger has not: the stores show it.
Choice choose_from_stores(const Settings& settings, const Options& options) {
    if (options.fingerprint.empty()) {
        throw Error(ErrorKind::usage, "the ledger knows no unsettled conflict of " + options.name,
                    "give the FINGERPRINT of the right content; recovery's message names them, and so do the "
                    "objects' names");
    }
    archive::ViewOptions asked;
    asked.system_identifier = wanted_cluster(options);
    archive::ArchiveView view(settings, asked);
    const std::uint64_t cluster = view.system_identifier();
    const archive::Look look =
        view.look(*WalName::parse(options.name), true, std::chrono::steady_clock::now() + patience);
    for (const auto& trouble : look.troubles) {
        if (trouble) throw *trouble;
    }
    for (const archive::StoreAnswer& answer : look.answers) {
        for (const ObjectName& object : answer.objects) {
            if (object.fingerprint == options.fingerprint) return {cluster, options.fingerprint};
        }
    }
    throw Error(ErrorKind::usage,
                "no store has " + options.name + " with content " + options.fingerprint +
                    ", and the ledger knows no such conflict",
                "`walferry conflicts` shows what the ledger knows");
}

struct Word {
    std::shared_ptr<const transfer::PlainObject> object;
    SettlementName name;
    std::vector<std::string> trusted;  // by whom it would have to be signed to be put already; empty: any
};

Word say(const Settings& settings, const Options& options, const Choice& choice) {
    Settlement settlement;
    settlement.system_identifier = choice.system_identifier;
    settlement.name = options.name;
    settlement.fingerprint = choice.fingerprint;
    settlement.settled_at = format_time(wall_now());
    Word word;
    const std::vector<std::string>& trusted = settings.trusted_writers;
    word.trusted = trusted;
    if (settings.signing_key_file.empty()) {
        if (!trusted.empty()) {
            throw Error(ErrorKind::config,
                        "this configuration has trusted_writers, and no [signing] key_file to sign with: the "
                        "settlement would count for nothing",
                        "settle it on a host that archives");
        }
        std::fprintf(stderr,
                     "walferry: there is no [signing] key_file, so the settlement is not signed: a host "
                     "with trusted_writers will not go by it\n");
    } else {
        const WriterKey key = WriterKey::load(settings.signing_key_file);
        sign_settlement(settlement, key);
        if (!trusted.empty() &&
            std::find(trusted.begin(), trusted.end(), key.public_key()) == trusted.end()) {
            throw Error(ErrorKind::config,
                        "this host signs as " + key.public_key() +
                            ", which is not in trusted_writers: the settlement would count for nothing",
                        "add it to trusted_writers here and on the hosts that restore");
        }
        word.trusted.push_back(key.public_key());
    }
    word.object = std::make_shared<const transfer::PlainObject>(settlement_json(settlement));
    word.name = {options.name, choice.fingerprint, word.object->sha256().substr(0, 32)};
    return word;
}

/// What recovery would go by already. True when it is this word.
bool said_before(ObjectStore& store, const StoreSettings& settings, const ObjectKeys& keys,
                 const Choice& choice, const Word& word, const std::vector<std::string>& trusted_writers) {
    const archive::ListedSettlements listed = archive::list_settlements(store, keys);
    const auto earlier = listed.find(word.name.segment);
    if (earlier == listed.end()) return false;
    bool said = false;
    for (const SettlementName& name : earlier->second) {
        const bool same = name.fingerprint == choice.fingerprint;
        const archive::Settled settled = archive::settled_by(store, keys, choice.system_identifier, {name},
                                                             same ? word.trusted : trusted_writers);
        for (const std::string& line : settled.refused)
            std::fprintf(stderr, "walferry: store %s: %s\n", settings.name.c_str(), one_line(line).c_str());
        if (settled.contents.empty()) continue;
        said = said || same;
        if (same) continue;
        throw Error(ErrorKind::conflict,
                    "store " + settings.name + ": " + name.segment +
                        " was settled before for another content: " + keys.settled(name),
                    "if that was wrong, delete that object with credentials that may delete, in each store, "
                    "and settle again");
    }
    return said;
}

void settle_in(const StoreSettings& settings, const Settings& all, const Choice& choice, const Word& word,
               const std::stop_token& stop) {
    const auto store = open_store(settings, StoreAccess::write, nullptr, stop);
    const ObjectKeys keys(settings.prefix, all.cluster, choice.system_identifier);
    if (said_before(*store, settings, keys, choice, word, all.trusted_writers)) return;
    const std::string key = keys.settled(word.name);
    transfer::put_verified(*store, word.object->at(key),
                           {"store " + settings.name + ": " + key, "settle again", stop});
}

/// Nothing on a host that has none: the stores are what is settled in.
std::unique_ptr<Ledger> ledger_here(const Settings& settings) {
    try {
        return std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
    } catch (const Error& error) {
        std::fprintf(stderr, "walferry: %s; the stores are asked instead\n", error.what());
        return nullptr;
    }
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;
    const Settings settings = load_settings(settings_path(global.config));
    if (!WalName::parse(options.name))
        throw Error(ErrorKind::usage, options.name + " is not a WAL file's name");
    const auto ledger = ledger_here(settings);
    if (ledger) reconcile_stores(settings, *ledger, wall_now());
    const auto known = ledger ? choose(ledger->conflicts(false), options) : std::nullopt;
    const Choice choice = known ? *known : choose_from_stores(settings, options);
    const Word word = say(settings, options, choice);
    int code = console::exit_code::done;
    for (const StoreSettings& store : settings.stores) {
        try {
            settle_in(store, settings, choice, word, signals.token());
            std::printf("store %s: recovery will take content %s\n", store.name.c_str(),
                        choice.fingerprint.c_str());
        } catch (const Error& error) {
            std::fprintf(stderr, "walferry: %s\n", error.what());
            code =
                console::worse_exit(code, traits(error.kind()).retryable() ? console::exit_code::incomplete
                                                                           : traits(error.kind()).exit_code);
        }
    }
    if (code == console::exit_code::done) {
        if (ledger) ledger->settle(choice.system_identifier, options.name, wall_now());
        std::printf("%s is settled; the other content stays where it is\n", options.name.c_str());
    } else {
        std::fprintf(stderr, "walferry: %s is not settled in every store: run this again\n",
                     options.name.c_str());
    }
    return code;
}

}  // namespace

CommandBody declare_settle(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("NAME", options->name, "The segment in conflict")->required();
    app.add_option("FINGERPRINT", options->fingerprint,
                   "The right content [this spool's, where the ledger knows the conflict]");
    app.add_option("--system-identifier", options->system_identifier,
                   "The cluster's, where the archive holds several")
        ->type_name("N");
    app.footer(
        "Puts an object settled/NAME-FINGERPRINT-SHA256.json into every store, signed with this\n"
        "host's writer key; recovery goes by it. A host with trusted_writers goes only by what one\n"
        "of them signed. A conflict that recovery has met and the ledger does not know is settled\n"
        "by NAME and FINGERPRINT. Nothing is deleted.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
