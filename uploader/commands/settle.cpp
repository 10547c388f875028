#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/ledger.hpp"
#include "common/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "uploader/commands/declare.hpp"
#include "uploader/drain/stores.hpp"
#include "uploader/exit_code.hpp"
#include "uploader/signals.hpp"

namespace walferry {
namespace {

struct Options {
    std::string name, fingerprint;
};

class EmptyBody : public Body {
  public:
    std::uint64_t size() const noexcept override { return 0; }
    std::size_t read_at(std::uint64_t, MutableBytes) const override { return 0; }
};

struct Choice {
    std::uint64_t system_identifier;
    std::string fingerprint;
};

// The content that was named, or this spool's where the conflicts leave no doubt which that is.
Choice choose(const std::vector<ConflictRow>& conflicts, const Options& options) {
    std::optional<Choice> choice;
    for (const ConflictRow& row : conflicts) {
        const bool named = options.fingerprint == row.ours || options.fingerprint == row.theirs;
        if (row.name != options.name || (!options.fingerprint.empty() && !named)) continue;
        const Choice found{row.system_identifier, named ? options.fingerprint : row.ours};
        if (choice && choice->system_identifier != found.system_identifier) {
            throw Error(ErrorKind::usage, options.name + " is in conflict in two clusters of this spool",
                        "give the FINGERPRINT of the right content; `walferry conflicts` shows them");
        }
        if (choice && choice->fingerprint != found.fingerprint) {
            throw Error(ErrorKind::usage, options.name + " came through this spool with two contents",
                        "give the FINGERPRINT of the right one; `walferry conflicts` shows them");
        }
        choice = found;
    }
    if (choice) return *choice;
    const std::string which = options.fingerprint.empty() ? "" : " with content " + options.fingerprint;
    throw Error(ErrorKind::usage, "there is no unsettled conflict of " + options.name + which,
                "`walferry conflicts` shows what there is");
}

void settle_in(const StoreSettings& settings, const std::string& cluster, const Choice& choice,
               const std::string& name, std::stop_token stop) {
    const auto store = open_store(settings, StoreAccess::write, nullptr, std::move(stop));
    const ObjectKeys keys(settings.prefix, cluster, choice.system_identifier);
    const std::string key = keys.settled(name, choice.fingerprint);
    for (const ObjectInfo& info : store->list(keys.settled_directory() + name + "-", "").objects) {
        if (info.key != key) {
            throw Error(ErrorKind::conflict,
                        "store " + settings.name + ": " + name +
                            " was settled before for another content: " + info.key,
                        "if that was wrong, delete that object and settle again");
        }
    }
    store->put(key, EmptyBody(), BodyDigest{Sha256().finish()});
}

int run(const GlobalOptions& global, const Options& options) {
    const StopOnSignal signals;
    const Settings settings = load_settings(settings_path(global.config));
    if (!WalName::parse(options.name))
        throw Error(ErrorKind::usage, options.name + " is not a WAL file's name");
    Ledger ledger(SpoolPaths(settings.spool), Ledger::Open::existing);
    reconcile_stores(settings, ledger, wall_now());
    const Choice choice = choose(ledger.conflicts(false), options);
    int code = exit_code::done;
    for (const StoreSettings& store : settings.stores) {
        try {
            settle_in(store, settings.cluster, choice, options.name, signals.token());
            std::printf("store %s: recovery will take content %s\n", store.name.c_str(),
                        choice.fingerprint.c_str());
        } catch (const Error& error) {
            std::fprintf(stderr, "walferry: %s\n", error.what());
            code = worse_exit(code, traits(error.kind()).retryable ? exit_code::incomplete
                                                                   : traits(error.kind()).exit_code);
        }
    }
    if (code == exit_code::done) {
        ledger.settle(choice.system_identifier, options.name, wall_now());
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
    app.add_option("FINGERPRINT", options->fingerprint, "The right content [this spool's]");
    app.footer(
        "Puts an empty object settled/NAME-FINGERPRINT into every store; recovery honours it.\n"
        "Nothing is deleted.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry
