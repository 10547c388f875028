#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "archive/store_rates.hpp"
#include "archive/verdict.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// Which stores are asked, and for whose WAL.
struct ViewOptions {
    StoreSelection stores;
    std::optional<std::uint64_t> system_identifier;  // else the only one under PREFIX/CLUSTER
    bool hurried = false;  // time limits of a second or two instead of the configured ones
    /// One store that has answered is enough to say that a file is not there: the others get two seconds, and
    /// are left alone for a while when they have not answered by then.
    bool one_is_enough = false;
};

/// What was seen of one name.
struct Look {
    std::vector<StoreAnswer> answers;            // one a store, in ArchiveView's order
    std::vector<std::optional<Error>> troubles;  // why a store has not answered
    std::vector<bool> skipped;                   // it was not asked, because it did not answer a moment ago
};

/// The stores as one archive to look things up in. All are asked at once; one that hangs or is down keeps
/// nobody from what another one has. Listings are kept, so that one serves many calls: objects never change,
/// and what is not found in a listing is looked for again. Thread-safe.
class ArchiveView {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// Throws usage for a store that the configuration does not have.
    ArchiveView(const Settings& settings, const ViewOptions& options);
    ~ArchiveView();

    const Settings& settings() const noexcept { return settings_; }
    std::size_t size() const noexcept { return places_.size(); }
    const StoreSettings& store(std::size_t index) const;
    /// A connection of the caller's own, for transfers; each request is tried once.
    std::unique_ptr<ObjectStore> connect(std::size_t index, std::stop_token stop) const;
    ObjectKeys keys(std::size_t index);
    /// Whether no store is left out but by --without.
    bool asks_all() const noexcept { return options_.stores.asks_all(); }

    /// Throws usage when PREFIX/CLUSTER holds several, not_found when none, else why it could not be found
    /// out.
    std::uint64_t system_identifier();
    /// All under PREFIX/CLUSTER in any store that answers; throws where none answers or nothing is there.
    std::set<std::uint64_t> system_identifiers();

    /// Asks the stores, unless an earlier listing shows the name and not `fresh`. Does not wait for all of
    /// them when one has it: the others get a moment to contradict.
    Look look(const WalName& name, bool fresh, Time deadline);
    /// Whether an earlier listing shows it.
    bool knows(const WalName& name);

    /// Store numbers: the healthy ones first, of those the quicker ones.
    std::vector<std::size_t> order();
    StoreRates& rates() noexcept { return rates_; }
    void note_failure(std::size_t index);
    void note_success(std::size_t index);

  private:
    struct Listing;
    struct Asked;
    struct Place;

    std::unique_ptr<ObjectStore> connect_to_list(const Place& place) const;
    std::chrono::seconds rest() const noexcept;
    std::shared_ptr<Asked> ask(Place& place, const WalName& name);
    void list_into(Place& place, const WalName& name, Asked& asked);
    static std::optional<StoreAnswer> remembered(const Place& place, const WalName& name);
    std::set<std::uint64_t> listed_identifiers(Place& place);

    const Settings& settings_;
    const ViewOptions options_;
    std::stop_source stop_;
    std::mutex mutex_;
    std::condition_variable answered_;
    std::vector<std::unique_ptr<Place>> places_;
    StoreRates rates_;
    std::optional<std::uint64_t> system_identifier_;
};

}  // namespace walferry::archive
