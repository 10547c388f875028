#include "maintenance/expire/expire_run.hpp"

#include <algorithm>
#include <charconv>

#include "archive/object_read.hpp"
#include "common/store/listing.hpp"
#include "common/store/retry.hpp"
#include "console/exit_code.hpp"

namespace walferry::expire {
namespace {

constexpr std::chrono::minutes most_skew{5};
constexpr std::chrono::hours most_silence{24};

class Run {
  public:
    Run(const Settings& settings, Ledger* ledger, const ExpireOptions& options)
        : settings_(settings),
          ledger_(ledger),
          options_(options),
          writer_(writer_of(settings)),
          decoding_(decoding_of(settings)) {}

    std::vector<StoreReport> run() {
        for (const StoreSettings* store : options_.stores) open(*store);
        for (Place& place : places_) list(place);
        gather_holds();
        for (Place& place : places_) expire(place);
        std::vector<StoreReport> reports;
        for (Place& place : places_) reports.push_back(std::move(place.report));
        return reports;
    }

  private:
    /// One cluster in one store.
    struct Place {
        const StoreSettings* settings;
        std::unique_ptr<ObjectStore> connection;
        StoreReport report;
        std::string doubt;
        WallTime now;
    };

    std::unique_ptr<ObjectStore> connect(const StoreSettings& store) const {
        // A store that does not let go of objects refuses one after the other, and works: that opens no
        // breaker.
        return open_store(store, StoreAccess::write, std::make_shared<Breaker>(1 << 30), options_.stop);
    }

    template <class Action>
    void guarded(Place& place, Action action) {
        if (place.report.problem) return;
        try {
            action();
        } catch (const Error& error) {
            place.report.problem = error;
        }
    }

    Place& add(const StoreSettings& store, std::uint64_t system_identifier) {
        Place& place = places_.emplace_back();
        place.settings = &store;
        place.report.store = store.name;
        place.report.system_identifier = system_identifier;
        place.report.retention = store.retention;
        return place;
    }

    void open(const StoreSettings& store) {
        std::vector<std::uint64_t> clusters;
        if (options_.system_identifier) clusters.push_back(*options_.system_identifier);
        try {
            if (clusters.empty()) clusters = clusters_in(*connect(store), store, settings_.cluster);
        } catch (const Error& error) {
            add(store, 0).report.problem = error;
        }
        for (const std::uint64_t cluster : clusters) add(store, cluster);
    }

    ObjectKeys keys(const Place& place) const {
        return {place.settings->prefix, settings_.cluster, place.report.system_identifier};
    }

    void list(Place& place) {
        guarded(place, [&] {
            place.connection = connect(*place.settings);
            const std::string name = "store " + place.settings->name + ": ";
            place.report.listed =
                list_store(*place.connection, keys(place),
                           host_knowledge(settings_, ledger_, place.report.store,
                                          place.report.system_identifier, decoding_ ? &*decoding_ : nullptr),
                           [&](const std::string& what) { options_.show(name + what); });
            place.now = wall_now();
            const auto ahead = place.connection->clock_ahead();
            if (!options_.clock_is_right)
                place.doubt =
                    clock_doubt(place.settings->type, ahead, place.report.listed.cluster, place.now);
            if (ahead) place.now += *ahead;
        });
    }

    /// A hold applies to all stores, wherever it was seen.
    void gather_holds() {
        std::map<std::uint64_t, SeenHolds> holds;
        for (const Place& place : places_) {
            if (!place.report.problem) holds[place.report.system_identifier].add(place.report.listed.holds);
        }
        for (Place& place : places_)
            place.report.listed.cluster.holds = holds[place.report.system_identifier].in_force();
    }

    void expire(Place& place) {
        guarded(place, [&] {
            StoreReport& report = place.report;
            report.plan = make_plan(report.listed.cluster, report.retention, {place.now, place.doubt});
            if (options_.dry_run) return;
            const std::string name = "store " + report.store + ": ";
            StoreAtWork at{[this, &place] { return connect(*place.settings); },
                           keys(place),
                           report.store,
                           {settings_.cluster, report.system_identifier, settings_.trusted_writers},
                           writer_.get(),
                           report.retention.policy(),
                           settings_.jobs,
                           options_.stop,
                           [this, name](const std::string& what) { options_.show(name + what); }};
            carry_out(at, report.listed, report.plan, report.done);
        });
    }

    const Settings& settings_;
    Ledger* ledger_;
    const ExpireOptions& options_;
    const std::unique_ptr<WriterKey> writer_;
    const std::optional<DecodeOptions> decoding_;
    std::vector<Place> places_;
};

}  // namespace

std::string clock_doubt(StoreType type, std::optional<std::chrono::seconds> store_ahead,
                        const StoredCluster& cluster, WallTime now) {
    const std::string next = "; correct the clock, or say --clock-is-right once";
    if (type == StoreType::s3) {
        if (!store_ahead) return "the store did not say what time it is" + next;
        const auto difference = std::max(*store_ahead, -*store_ahead);
        if (difference <= most_skew) return {};
        return "this host's clock differs from the store's by " + format_duration(difference) + next;
    }
    WallTime newest{};
    for (const WalFile& file : cluster.wal) newest = std::max(newest, file.modified);
    for (const StoredObject& object : cluster.objects) newest = std::max(newest, object.modified);
    for (const Mark& mark : cluster.marks) newest = std::max(newest, mark.made);
    // What is marked by a clock that is behind would be removed before its grace has passed.
    if (now < newest - most_skew) {
        return "this host's clock says " + format_time(now) + ", but the newest object is from " +
               format_time(newest) + next;
    }
    if (now <= newest + most_silence) return {};
    return "this host's clock says " + format_time(now) + ", but the newest object is from " +
           format_time(newest) + ", so nothing proves that the clock is right" + next;
}

std::vector<std::uint64_t> clusters_in(ObjectStore& store, const StoreSettings& settings,
                                       const std::string& cluster) {
    std::string root = settings.prefix.empty() ? "" : settings.prefix + "/";
    root += cluster + "/";
    std::vector<std::uint64_t> found;
    for (const std::string& folder : list_folders(store, root)) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(folder.data(), folder.data() + folder.size(), value);
        if (error == std::errc() && end == folder.data() + folder.size()) found.push_back(value);
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::unique_ptr<WriterKey> writer_of(const Settings& settings) {
    const auto& trusted = settings.trusted_writers;
    if (settings.signing_key_file.empty()) {
        if (trusted.empty()) return nullptr;
        throw Error(
            ErrorKind::config,
            "this configuration has trusted_writers, and no [signing] key_file to sign with: marks and "
            "holds would count for nothing",
            "make a writer key for this host (`walferry keygen --writer`), and add its public key to "
            "trusted_writers here and on the other hosts");
    }
    auto key = std::make_unique<WriterKey>(WriterKey::load(settings.signing_key_file));
    if (!trusted.empty() && std::find(trusted.begin(), trusted.end(), key->public_key()) == trusted.end()) {
        throw Error(ErrorKind::config,
                    "this host signs as " + key->public_key() +
                        ", which is not in trusted_writers: its marks and holds would count for nothing",
                    "add it to trusted_writers here and on the other hosts");
    }
    return key;
}

std::vector<StoreReport> expire_stores(const Settings& settings, Ledger* ledger,
                                       const ExpireOptions& options) {
    return Run(settings, ledger, options).run();
}

int exit_code_of(const std::vector<StoreReport>& reports) {
    int code = console::exit_code::done;
    for (const StoreReport& report : reports) {
        if (report.problem) {
            const ErrorTraits& problem = traits(report.problem->kind());
            code = console::worse_exit(
                code, problem.retryable() ? console::exit_code::incomplete : problem.exit_code);
        } else if (!report.plan.blocked.empty() && report.retention.expires()) {
            code = console::worse_exit(code, console::exit_code::incomplete);
        }
    }
    return code;
}

std::optional<DecodeOptions> decoding_of(const Settings& settings) {
    if (settings.encrypt && settings.identity_file.empty()) return std::nullopt;
    return archive::decode_options(settings);
}

HostKnowledge host_knowledge(const Settings& settings, Ledger* ledger, const std::string& store,
                             std::uint64_t system_identifier, const DecodeOptions* decoding) {
    HostKnowledge host;
    host.trust = {settings.cluster, system_identifier, settings.trusted_writers};
    host.decoding = decoding;
    if (ledger == nullptr) return host;
    for (const std::string& own : ledger->verified_backups(system_identifier, store))
        host.own_backups.insert(own);
    for (const HistoryRow& row : ledger->histories(system_identifier))
        host.histories[row.timeline] = row.content;
    return host;
}

}  // namespace walferry::expire
