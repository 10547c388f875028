#include "maintenance/sync/sync_run.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>
#include <utility>

#include "common/clock.hpp"
#include "common/exit_code.hpp"
#include "common/store/listing.hpp"
#include "common/store/retry.hpp"

namespace walferry::sync {
namespace {

using std::chrono::steady_clock;

void add(Amount& sum, const Amount& more) {
    sum.objects += more.objects;
    sum.bytes += more.bytes;
}

void add(LeftOut& sum, const LeftOut& more) {
    add(sum.there, more.there);
    add(sum.expiring, more.expiring);
    add(sum.older, more.older);
    add(sum.unfinished, more.unfinished);
    add(sum.unknown, more.unknown);
}

/// "PREFIX/CLUSTER/" of a store.
std::string archive_root(const StoreSettings& store, const std::string& cluster) {
    return (store.prefix.empty() ? "" : store.prefix + "/") + cluster + "/";
}

class Run {
  public:
    Run(const Settings& settings, const StoreSettings& to, const SyncOptions& options)
        : settings_(settings), to_(to), options_(options) {
        report_.to = to.name;
    }

    SyncReport run() {
        try {
            open();
            for (const std::uint64_t cluster : clusters_) sync(cluster);
        } catch (const Error& error) {
            report_.problem = error;
        }
        return std::move(report_);
    }

  private:
    struct Source {
        const StoreSettings* settings;
        std::unique_ptr<ObjectStore> connection;
    };

    void show(const std::string& what) const {
        if (options_.show) options_.show(to_.name + ": " + what);
    }

    static std::unique_ptr<ObjectStore> connect(const StoreSettings& store, const std::stop_token& stop) {
        return open_store(store, StoreAccess::write, nullptr, stop);
    }

    /// A source that does not answer now is left out.
    void open() {
        show("looking which stores answer");
        destination_ = connect(to_, options_.stop);
        (void)destination_->list(archive_root(to_, settings_.cluster), "");
        for (const StoreSettings* from : options_.from) {
            if (from->name == to_.name) continue;
            try {
                Source source{from, connect(*from, options_.stop)};
                add_clusters(*source.connection, archive_root(*from, settings_.cluster));
                sources_.push_back(std::move(source));
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::interrupted) throw;
                report_.silent.push_back("store " + from->name + ": " + error.what());
            }
        }
        if (sources_.empty())
            throw Error(ErrorKind::incomplete, "no store answers that could be copied from",
                        "run it again when one does");
    }

    void add_clusters(ObjectStore& store, const std::string& root) {
        for (const std::string& name : list_folders(store, root)) {
            std::uint64_t number = 0;
            const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
            if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
            if (!options_.system_identifier || number == *options_.system_identifier)
                clusters_.insert(number);
        }
    }

    MergedStores merged(std::uint64_t cluster) const {
        std::vector<Place> places;
        places.push_back(
            {to_.name, destination_.get(), ObjectKeys(to_.prefix, settings_.cluster, cluster).root()});
        for (const Source& source : sources_)
            places.push_back({source.settings->name, source.connection.get(),
                              ObjectKeys(source.settings->prefix, settings_.cluster, cluster).root()});
        return MergedStores(std::move(places));
    }

    void sync(std::uint64_t cluster) {
        MergedStores stores = merged(cluster);
        const ObjectKeys keys(to_.prefix, settings_.cluster, cluster);
        Wanted wanted;
        wanted.since = options_.since;
        show("comparing the stores");
        if (options_.there && !options_.dry_run)
            wanted.there = [&](const Held& held) {
                options_.there(cluster, keys.root() + held.tail, held.size);
            };
        if (options_.stays) wanted.stays = options_.stays(stores, keys, cluster, report_.notes);
        Amount missing;
        add(report_.left, find_missing(stores, wanted, options_.stop,
                                       [&](const Missing& each) { missing.add(each.size); }));
        add(report_.wanted, missing);
        wanted.there = nullptr;
        if (options_.dry_run || missing.objects == 0) return;
        copy(stores, wanted, cluster, missing);
    }

    void copy(MergedStores& stores, const Wanted& wanted, std::uint64_t cluster, const Amount& missing) {
        std::vector<Copier::Way> ways;
        ways.push_back(way(to_, stores.places()[0].root));
        for (std::size_t i = 0; i < sources_.size(); ++i)
            ways.push_back(way(*sources_[i].settings, stores.places()[i + 1].root));
        Copier::Options how;
        how.workers = std::max(2, settings_.jobs);
        how.work_dir = settings_.work_dir;
        how.stop = options_.stop;
        const auto began = steady_clock::now();
        Amount so_far;
        how.brought = [&](const Missing& each) {
            so_far.add(each.size);
            show(progress(so_far, missing, steady_clock::now() - began));
            if (options_.there) options_.there(cluster, stores.places()[0].root + each.tail, each.size);
        };
        Copier copier(std::move(ways), std::move(how));
        std::set<std::string> held_back;
        Stage stage = Stage::bulk;
        try {
            (void)find_missing(stores, wanted, options_.stop, [&](Missing each) {
                // What makes a backup exist waits until everything else is there.
                if (each.stage != stage && each.stage >= Stage::index) copier.settle();
                stage = each.stage;
                if (!each.backup.empty() && copier.lacks_part(each.backup)) {
                    if (stage >= Stage::index) held_back.insert(each.backup);
                    return;
                }
                if (!copier.bring(std::move(each)))
                    throw Error(ErrorKind::interrupted, "the copying has ended");
            });
        } catch (const Error&) {
            if (!copier.done().ended) throw;
        }
        copier.settle();
        Copier::Done done = copier.done();
        add(report_.done.brought, done.brought);
        report_.done.damaged.insert(report_.done.damaged.end(), done.damaged.begin(), done.damaged.end());
        report_.done.failed.insert(report_.done.failed.end(), done.failed.begin(), done.failed.end());
        report_.held_back.insert(report_.held_back.end(), held_back.begin(), held_back.end());
        if (done.ended) throw Error(*done.ended);
    }

    static Copier::Way way(const StoreSettings& store, const std::string& root) {
        return {store.name, root,
                [&store, breaker = std::make_shared<Breaker>()](const std::stop_token& stop) {
                    return open_store(store, StoreAccess::write, breaker, stop);
                }};
    }

    static std::string progress(const Amount& so_far, const Amount& all, steady_clock::duration elapsed) {
        const double seconds = std::chrono::duration<double>(elapsed).count();
        const double rate = static_cast<double>(so_far.bytes) / std::max(seconds, 0.001);
        const auto left = static_cast<double>(all.bytes - std::min(all.bytes, so_far.bytes));
        return std::to_string(so_far.objects) + "/" + std::to_string(all.objects) + " objects, " +
               format_bytes(so_far.bytes) + " of " + format_bytes(all.bytes) + ", " +
               format_bytes(static_cast<std::uint64_t>(rate)) + "/s, " +
               format_duration(std::chrono::seconds(static_cast<long long>(left / std::max(rate, 1.0)))) +
               " left";
    }

    const Settings& settings_;
    const StoreSettings& to_;
    const SyncOptions& options_;
    SyncReport report_;
    std::unique_ptr<ObjectStore> destination_;
    std::vector<Source> sources_;
    std::set<std::uint64_t> clusters_;
};

}  // namespace

SyncReport sync_store(const Settings& settings, const StoreSettings& to, const SyncOptions& options) {
    return Run(settings, to, options).run();
}

int exit_code_of(const SyncReport& report) {
    if (!report.done.damaged.empty()) return exit_code::integrity;
    if (report.problem) {
        const int code = traits(report.problem->kind()).exit_code;
        return code == exit_code::failed ? exit_code::incomplete : code;
    }
    const bool whole = report.silent.empty() && report.done.failed.empty();
    return whole ? exit_code::done : exit_code::incomplete;
}

}  // namespace walferry::sync
