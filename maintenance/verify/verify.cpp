#include "maintenance/verify/verify.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

#include "archive/object_read.hpp"
#include "common/error.hpp"
#include "common/store/retry.hpp"
#include "common/store/stores.hpp"
#include "console/exit_code.hpp"
#include "maintenance/verify/memory.hpp"
#include "maintenance/verify/missing.hpp"

namespace walferry::verify {
namespace {

std::string root_of(const Settings& settings, const StoreSettings& store) {
    return (store.prefix.empty() ? "" : store.prefix + "/") + settings.cluster + "/";
}

/// Of S3 a transfer itself is slowed down, so that no server takes a rest between two parts for silence.
StoreSettings slowed(StoreSettings store, std::uint64_t rate) {
    if (rate > 0)
        store.bandwidth_limit = store.bandwidth_limit == 0 ? rate : std::min(rate, store.bandwidth_limit);
    return store;
}

std::optional<DecodeOptions> opening(const Settings& settings) {
    if (settings.encrypt && settings.identity_file.empty()) return std::nullopt;
    return archive::decode_options(settings);
}

int exit_code_of(const StoreResult& store) {
    int code = console::exit_code::done;
    if (!store.damage.empty()) code = console::exit_code::integrity;
    if (store.ended == StoreResult::Ended::stopped)
        code = console::worse_exit(code, console::exit_code::incomplete);
    if (store.trouble) {
        // An outage passes: what is due stays due.
        const bool passes = traits(store.trouble->kind()).cure != Cure::person;
        code = console::worse_exit(
            code, passes ? console::exit_code::incomplete : traits(store.trouble->kind()).exit_code);
    }
    return code;
}

class Run {
  public:
    Run(const Settings& settings, const VerifyOptions& options)
        : settings_(settings),
          options_(options),
          chosen_(select_stores(settings, options.stores)),
          memory_(settings),
          opening_(opening(settings)) {
        limits_.max_bytes = options.max_bytes;
        if (options.longest) limits_.until = std::chrono::steady_clock::now() + *options.longest;
        limits_.rate = options.rate;
        limits_.all = options.all;
        limits_.every = settings.verify_every;
        for (const StoreSettings* store : chosen_) {
            view_.stores.push_back(std::make_unique<VerifyView::Store>());
            view_.stores.back()->name = store->name;
        }
    }

    const VerifyView& view() const noexcept { return view_; }

    VerifyResult run() {
        VerifyResult result;
        result.opening = opening_.has_value();
        result.stores.resize(chosen_.size());
        std::vector<std::exception_ptr> failures(chosen_.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < chosen_.size(); ++i) {
                threads.emplace_back([&, i] {
                    try {
                        result.stores[i] = one_store(i);
                    } catch (...) {
                        failures[i] = std::current_exception();
                    }
                });
            }
        }
        for (const std::exception_ptr& failure : failures) {
            if (failure) std::rethrow_exception(failure);
        }
        for (const StoreResult& store : result.stores)
            result.exit_code = console::worse_exit(result.exit_code, exit_code_of(store));
        return result;
    }

    void told(const VerifyResult& result) {
        for (std::size_t i = 0; i < chosen_.size(); ++i) {
            std::vector<std::string> keys;
            for (const Damage& damage : result.stores[i].damage) {
                if (damage.is_new) keys.push_back(damage.key);
            }
            if (!keys.empty()) memory_.records().damage_told(place_of(settings_, *chosen_[i]), keys);
        }
    }

  private:
    StoreResult one_store(std::size_t number);
    std::vector<Source> sources(const StoreSettings& store) const;

    const Settings& settings_;
    const VerifyOptions& options_;
    const std::vector<const StoreSettings*> chosen_;
    Memory memory_;
    const std::optional<DecodeOptions> opening_;
    Limits limits_;
    VerifyView view_;
};

/// All stores but this one, and those that --without leaves out.
std::vector<Source> Run::sources(const StoreSettings& store) const {
    const StoreSelection others{{}, options_.stores.without};
    std::vector<Source> sources;
    for (const StoreSettings& other : settings_.stores) {
        if (other.name == store.name || !others.includes(other.name)) continue;
        sources.push_back({other.name, root_of(settings_, other), [this, &other] {
                               return open_store(slowed(other, options_.rate), StoreAccess::write, nullptr,
                                                 options_.stop);
                           }});
    }
    return sources;
}

StoreResult Run::one_store(std::size_t number) {
    const StoreSettings& store = *chosen_[number];
    StoreResult failed;
    failed.name = store.name;
    std::unique_ptr<ObjectStore> objects;
    const auto breaker = std::make_shared<Breaker>();
    try {
        objects = open_store(slowed(store, options_.rate), StoreAccess::write, breaker, options_.stop);
    } catch (const Error& error) {
        failed.ended = StoreResult::Ended::trouble;
        failed.trouble = error;
        return failed;
    }
    std::optional<Healer> healer;
    if (options_.heal)
        healer.emplace(*objects, root_of(settings_, store), sources(store),
                       Healer::Options{settings_.work_dir, options_.stop});
    const CheckOptions check{opening_ ? &*opening_ : nullptr, options_.stop, std::chrono::seconds(1)};
    Round round{store.name,
                place_of(settings_, store),
                root_of(settings_, store),
                *objects,
                [&] { breaker->reset(); },
                memory_.records(),
                limits_,
                check,
                nullptr,
                options_.say,
                wall_now,
                {}};
    round.healer = healer ? &*healer : nullptr;
    std::optional<Missing> missing;
    if (Ledger* ledger = memory_.ledger()) {
        missing.emplace(*ledger, settings_, store, *objects, options_.stop);
        round.missing = MissingObjects{[&] { return missing->look(); },
                                       [&](const std::string& key) { missing->came_back(key); }};
    }
    return verify_store(round, view_.stores[number]->round);
}

}  // namespace

int verify(const Settings& settings, const VerifyOptions& options,
           const std::function<void(const VerifyView*)>& watch,
           const std::function<void(const VerifyResult&)>& tell) {
    Run run(settings, options);
    VerifyResult result;
    watch(&run.view());
    try {
        result = run.run();
    } catch (...) {
        watch(nullptr);
        throw;
    }
    watch(nullptr);
    tell(result);
    run.told(result);
    return result.exit_code;
}

}  // namespace walferry::verify
