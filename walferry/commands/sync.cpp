#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"
#include "common/store/stores.hpp"
#include "console/exit_code.hpp"
#include "console/json_text.hpp"
#include "console/signals.hpp"
#include "maintenance/expire/expire_run.hpp"
#include "maintenance/expire/plan.hpp"
#include "maintenance/sync/sync_run.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

struct Options {
    std::vector<std::string> to;
    StoreSelection from;
    std::uint64_t system_identifier = 0;
    std::string since;
    bool dry_run = false;
    bool json = false;
};

WallTime parse_since(const std::string& text) {
    for (const char* rest : {"", "Z", ".000Z", ":00.000Z", "T00:00:00.000Z"}) {
        if (const auto time = parse_time(text + rest)) return *time;
    }
    throw Error(ErrorKind::usage, "--since: \"" + one_line(text) + "\" is no time",
                "write it as 2026-01-31 or 2026-01-31T09:05:07Z, in UTC");
}

/// What the ledger, where this host has one, learns of what was brought: that a listing shows it there.
class Record {
  public:
    Record(const Settings& settings, const StoreSettings& to) {
        try {
            ledger_ = std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
            for (const StoreRow& row : reconcile_stores(settings, *ledger_, wall_now())) {
                if (row.identity.name == to.name) store_ = row.id;
            }
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::config) throw;
            ledger_.reset();  // a keeper has none
        }
    }
    ~Record() { flush(); }

    Ledger* ledger() noexcept { return ledger_.get(); }
    void add(std::uint64_t system_identifier, const std::string& key, std::uint64_t size) {
        if (!ledger_) return;
        const std::string_view last = std::string_view(key).substr(key.rfind('/') + 1);
        if (const auto part = ObjectName::parse_backup(last)) {
            if (part->segment == BackupPart::label_stream) labels_.push_back(key);
            return;
        }
        const auto object = ObjectName::parse(last);
        const auto name = object ? WalName::parse(object->segment) : std::nullopt;
        if (!name) return;
        rows_.push_back({system_identifier, *name, object->fingerprint, key, size, object->sha256});
        if (rows_.size() >= 1000) flush();
    }

  private:
    // What is not written down here, the next comparison with the listing finds.
    void flush() noexcept {
        try {
            if (!ledger_) return;
            if (!rows_.empty()) (void)ledger_->add_listed(store_, rows_, wall_now());
            for (const std::string& label : labels_) {
                const std::string folder = label.substr(0, label.rfind('/'));
                ledger_->backup_brought(folder.substr(folder.rfind('/') + 1), store_, label, wall_now());
            }
        } catch (...) {
            std::fprintf(
                stderr,
                "walferry: the ledger could not be written: `walferry rebuild` adds what was brought\n");
        }
        rows_.clear();
        labels_.clear();
    }

    std::unique_ptr<Ledger> ledger_;
    std::int64_t store_ = 0;
    std::vector<ListedObject> rows_;
    std::vector<std::string> labels_;
};

nlohmann::json amount_json(const sync::Amount& amount) {
    return {{"objects", amount.objects}, {"bytes", amount.bytes}};
}

nlohmann::json as_json(const sync::SyncReport& report) {
    return {{"store", report.to},
            {"missing", amount_json(report.wanted)},
            {"copied", amount_json(report.done.brought)},
            {"there", amount_json(report.left.there)},
            {"expiring", amount_json(report.left.expiring)},
            {"older", amount_json(report.left.older)},
            {"unfinished", amount_json(report.left.unfinished)},
            {"unknown", amount_json(report.left.unknown)},
            {"damaged", report.done.damaged},
            {"failed", report.done.failed},
            {"held_back", report.held_back},
            {"silent", report.silent},
            {"notes", report.notes},
            {"problem", report.problem ? nlohmann::json(report.problem->what()) : nlohmann::json(nullptr)}};
}

std::string amount_text(const sync::Amount& amount) {
    return counted(amount.objects, "object", "objects") + " (" + format_bytes(amount.bytes) + ")";
}

void print_lines(const char* what, const std::vector<std::string>& lines) {
    constexpr std::size_t most = 20;
    for (std::size_t i = 0; i < std::min(lines.size(), most); ++i)
        std::printf("  %s%s\n", what, one_line(lines[i]).c_str());
    if (lines.size() > most) std::printf("  %s%zu more like these\n", what, lines.size() - most);
}

void print(const sync::SyncReport& report, bool dry_run) {
    if (dry_run) {
        std::printf("%s: %s would be copied, in %s at least\n", report.to.c_str(),
                    amount_text(report.wanted).c_str(),
                    counted(3 * report.wanted.objects, "request", "requests").c_str());
    } else {
        std::printf("%s: %s of %s copied and verified\n", report.to.c_str(),
                    amount_text(report.done.brought).c_str(), amount_text(report.wanted).c_str());
    }
    const auto rest = [](const sync::Amount& amount, const char* why) {
        if (amount.objects > 0) std::printf("  %s %s\n", amount_text(amount).c_str(), why);
    };
    rest(report.left.there, "it has already");
    rest(report.left.expiring, "are not copied: its own retention would not keep them");
    rest(report.left.older, "are older than --since and not copied");
    rest(report.left.unfinished, "belong to backups that no store has whole, and are not copied");
    rest(report.left.unknown, "are not walferry's by their names, and left alone");
    print_lines("DAMAGED: ", report.done.damaged);
    print_lines("not copied: ", report.done.failed);
    print_lines("no backup there yet, a part is missing: ", report.held_back);
    print_lines("did not answer: ", report.silent);
    print_lines("", report.notes);
    if (report.problem) std::printf("  ended early: %s\n", one_line(report.problem->what()).c_str());
}

std::vector<const StoreSettings*> destinations(const Settings& settings, const Options& options) {
    StoreSelection selection;
    selection.only = options.to;
    return select_stores(settings, selection);
}

/// What the destination's own retention would keep, were all of it there: so that nothing which has expired
/// there comes back. An empty function where nothing expires.
std::function<bool(const std::string&)> kept_there(const Settings& settings, const StoreSettings& to,
                                                   Ledger* ledger, sync::MergedStores& stores,
                                                   const ObjectKeys& keys, std::uint64_t system_identifier,
                                                   std::vector<std::string>& notes) {
    if (!to.retention.expires()) return {};
    const auto decoding = expire::decoding_of(settings);
    expire::HostKnowledge host =
        expire::host_knowledge(settings, ledger, to.name, system_identifier, decoding ? &*decoding : nullptr);
    for (const StoreSettings& store : settings.stores) {
        if (ledger == nullptr) break;
        for (const std::string& own : ledger->verified_backups(system_identifier, store.name))
            host.own_backups.insert(own);
    }
    expire::ListedStore listed = expire::list_store(stores, keys, host, [](const std::string&) {});
    listed.cluster.holds = listed.holds.in_force();
    const expire::Plan plan = expire::make_plan(listed.cluster, to.retention, {wall_now(), {}});
    if (!plan.blocked.empty()) {
        notes.push_back("what " + to.name +
                        "'s retention would keep is not known, so all is copied: " + plan.blocked);
        return {};
    }
    // By the hash that ends each key: a store has millions of them.
    auto gone = std::make_shared<std::set<std::string>>();
    const std::size_t root = keys.root().size();
    for (std::size_t i = 0; i < plan.wal.size(); ++i) {
        if (plan.wal[i].fate != expire::Fate::keep) gone->insert(listed.wal_keys[i].key(keys).substr(root));
    }
    const auto leave = [&](std::size_t object) {
        gone->insert(listed.cluster.objects[object].key.substr(root));
    };
    for (std::size_t i = 0; i < plan.objects.size(); ++i) {
        if (plan.objects[i].fate != expire::Fate::keep) leave(i);
    }
    // What an index names goes with the last backup that needs it.
    std::set<std::uint32_t> needed;
    const auto& backups = listed.cluster.backups;
    for (std::size_t i = 0; i < backups.size(); ++i) {
        if (plan.backups[i].fate == expire::Fate::keep)
            needed.insert(backups[i].objects.begin(), backups[i].objects.end());
    }
    for (const expire::Backup& backup : backups) {
        for (const std::uint32_t object : backup.objects) {
            if (!needed.contains(object)) leave(object);
        }
    }
    return [gone](const std::string& tail) { return !gone->contains(tail); };
}

int run(const GlobalOptions& global, const Options& options) {
    const console::StopOnSignal signals;  // before any thread is started
    const Settings settings = load_settings(settings_path(global.config));
    sync::SyncOptions how;
    how.from = select_stores(settings, options.from);
    if (options.system_identifier != 0) how.system_identifier = options.system_identifier;
    if (!options.since.empty()) how.since = parse_since(options.since);
    how.dry_run = options.dry_run;
    how.stop = signals.token();
    std::vector<sync::SyncReport> reports;
    {
        drain::Progress progress(::isatty(STDERR_FILENO) == 1);
        std::mutex mutex;
        std::string text = "looking at the stores";
        const drain::Progress::Shown shown(progress, [&](std::chrono::milliseconds, std::size_t) {
            const std::lock_guard lock(mutex);
            return text;
        });
        how.show = [&](const std::string& now) {
            const std::lock_guard lock(mutex);
            text = now;
        };
        for (const StoreSettings* to : destinations(settings, options)) {
            Record record(settings, *to);
            how.stays = [&](sync::MergedStores& stores, const ObjectKeys& keys, std::uint64_t sysid,
                            std::vector<std::string>& notes) {
                return kept_there(settings, *to, record.ledger(), stores, keys, sysid, notes);
            };
            how.there = [&](std::uint64_t sysid, const std::string& key, std::uint64_t size) {
                record.add(sysid, key, size);
            };
            reports.push_back(sync::sync_store(settings, *to, how));
            if (signals.token().stop_requested()) break;
        }
    }
    int code = console::exit_code::done;
    auto json = nlohmann::json::array();
    for (const sync::SyncReport& report : reports) {
        code = console::worse_exit(code, sync::exit_code_of(report));
        if (options.json)
            json.push_back(as_json(report));
        else
            print(report, options.dry_run);
    }
    if (options.json)
        std::printf("%s\n", console::json_text({{"stores", json}, {"exit_code", code}}).c_str());
    return code;
}

}  // namespace

CommandBody declare_sync(CLI::App& app) {
    auto options = std::make_shared<Options>();
    add_stores(app, "--to", options->to,
               "Bring this store what the others have; every store where not given (may be repeated)");
    add_stores(app, "--from", options->from.only, "Copy from this store only (may be repeated)");
    add_stores(app, "--without", options->from.without, "Do not copy from this store (may be repeated)");
    app.add_option(
           "--since", options->since,
           "Only WAL that was stored, and backups that began, since then: 2026-01-31 or 2026-01-31T09:05:07Z")
        ->type_name("TIME");
    app.add_option("--system-identifier", options->system_identifier, "Of one cluster only")->type_name("N");
    app.add_flag("--dry-run,-n", options->dry_run, "Say what would be copied, and copy nothing");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "For a store that was added later, that lost something, or that moves: copies what another store\n"
        "has and this one lacks, several objects at a time. Each is fetched whole and must hash to its\n"
        "name; then it is put, read back and compared. One that is damaged where it comes from is taken\n"
        "from another store. Indexes and labels of backups come last, so that a backup exists only with\n"
        "all of its parts. Objects are copied as they are: no identity is needed.\n\n"
        "Nothing is removed or overwritten. It can be stopped or killed anywhere and run again, and goes\n"
        "on with what is still missing. Marks for removal are not copied. bandwidth_limit and jobs of\n"
        "the configuration hold. Ends with 3 where an object is sound in no store, with 4 where a store\n"
        "did not answer or something could not be copied.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
