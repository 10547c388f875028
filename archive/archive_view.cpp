#include "archive/archive_view.hpp"

#include <algorithm>
#include <charconv>

#include "archive/settlements.hpp"
#include "common/store/listing.hpp"
#include "common/store/retry.hpp"
#include "common/wal/system_identifier.hpp"

namespace walferry::archive {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Once one store has shown the name, how long the others have to show another content.
constexpr milliseconds time_to_contradict{1000};
// A store that failed is asked again only for what no other one has, until then.
constexpr std::chrono::seconds rest_after_failure{20};
// The same where one answer is enough, and how long the others are waited for there.
constexpr std::chrono::seconds long_rest_after_failure{30};
constexpr milliseconds time_for_the_others{2000};
// Nobody settles a conflict within a recovery and expects it to be noticed at once.
constexpr std::chrono::seconds settled_for{60};

/// Where another store can take over, nobody waits as long as an upload would.
StoreSettings impatient(StoreSettings store, bool alone, bool hurried) {
    store.attempts = 1;
    if (hurried) {
        store.connect_timeout = std::min(store.connect_timeout, milliseconds(1500));
        store.silence_timeout = std::min(store.silence_timeout, milliseconds(2000));
    } else if (!alone) {
        store.connect_timeout = std::min(store.connect_timeout, milliseconds(3000));
        store.silence_timeout = std::min(store.silence_timeout, milliseconds(8000));
    }
    return store;
}

/// A segment, or the unfinished end of one, that was written after the file of that name.
bool is_behind(const std::string& text, const WalName& name) {
    const auto other = WalName::parse(text);
    return other && other->has_header() && other->text.substr(0, 24) > name.text.substr(0, 24);
}

std::string cluster_root(const StoreSettings& store, const std::string& cluster) {
    return (store.prefix.empty() ? "" : store.prefix + "/") + cluster + "/";
}

}  // namespace

/// The objects of one timeline between two keys.
struct ArchiveView::Listing {
    std::string timeline;
    std::string first;  // from this name on …
    std::string last;   // … to this one, whose objects are all here
    std::map<std::string, std::vector<ObjectName>> names;
};

struct ArchiveView::Asked {
    bool done = false;
    StoreAnswer answer;
    std::optional<Error> trouble;
};

struct ArchiveView::Place {
    StoreSettings settings;              // for listings
    StoreSettings transfers;             // for transfers, which are given more time
    std::unique_ptr<ObjectStore> store;  // of whichever thread is asking
    std::jthread thread;
    bool busy = false;
    Listing listing;
    ListedSettlements settlements;           // by name, as listed
    std::map<std::string, Settled> settled;  // those of them that were read
    std::optional<Time> settled_seen;
    std::optional<Time> failed;
};

ArchiveView::ArchiveView(const Settings& settings, const ViewOptions& options)
    : settings_(settings),
      options_(options),
      rates_(settings.stores.size()),
      system_identifier_(options.system_identifier) {
    const std::vector<const StoreSettings*> asked = select_stores(settings, options.stores);
    for (const StoreSettings* store : asked) {
        places_.push_back(std::make_unique<Place>());
        places_.back()->settings = impatient(*store, asked.size() == 1, options.hurried);
        places_.back()->transfers = impatient(*store, asked.size() == 1, false);
    }
}

ArchiveView::~ArchiveView() {
    stop_.request_stop();
}

const StoreSettings& ArchiveView::store(std::size_t index) const {
    return places_[index]->settings;
}

// Whether a store is worth asking is decided here, so that its breaker never opens.
std::unique_ptr<ObjectStore> ArchiveView::connect(std::size_t index, std::stop_token stop) const {
    return open_store(places_[index]->transfers, StoreAccess::restore, std::make_shared<Breaker>(1 << 30),
                      std::move(stop));
}

std::unique_ptr<ObjectStore> ArchiveView::connect_to_list(const Place& place) const {
    return open_store(place.settings, StoreAccess::restore, std::make_shared<Breaker>(1 << 30),
                      stop_.get_token());
}

ObjectKeys ArchiveView::keys(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return {store(index).prefix, settings_.cluster, system_identifier_.value()};
}

std::set<std::uint64_t> ArchiveView::listed_identifiers(Place& place) {
    std::set<std::uint64_t> found;
    const std::string root = cluster_root(place.settings, settings_.cluster);
    for (const std::string& folder : list_folders(*place.store, root)) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(folder.data(), folder.data() + folder.size(), value);
        if (error == std::errc() && end == folder.data() + folder.size()) found.insert(value);
    }
    return found;
}

std::uint64_t ArchiveView::system_identifier() {
    {
        const std::lock_guard lock(mutex_);
        if (system_identifier_) return *system_identifier_;
    }
    const std::set<std::uint64_t> found = system_identifiers();
    if (found.size() == 1) {
        const std::lock_guard lock(mutex_);
        return *(system_identifier_ = *found.begin());
    }
    std::string list;
    for (auto each = found.rbegin(); each != found.rend(); ++each)
        list +=
            (list.empty() ? "" : ", ") + std::to_string(*each) + " (created " + creation_date(*each) + ")";
    throw Error(
        ErrorKind::usage,
        "cluster " + settings_.cluster + " holds several system identifiers, the newest first: " + list,
        "say which one with --system-identifier");
}

std::set<std::uint64_t> ArchiveView::system_identifiers() {
    struct Answers {
        std::set<std::uint64_t> found;
        std::optional<Error> trouble;
        std::size_t missing;
    };
    std::unique_lock lock(mutex_);
    Answers answers{{}, {}, places_.size()};
    for (std::size_t i = 0; i < places_.size(); ++i) {
        Place& place = *places_[i];
        place.thread = std::jthread([this, &place, &answers] {
            std::set<std::uint64_t> found;
            std::optional<Error> trouble;
            try {
                if (!place.store) place.store = connect_to_list(place);
                found = listed_identifiers(place);
            } catch (const Error& error) {
                trouble = error;
            }
            const std::lock_guard done(mutex_);
            answers.found.merge(found);
            if (trouble) {
                answers.trouble = trouble;
                place.failed = steady_clock::now();
            }
            --answers.missing;
            answered_.notify_all();
        });
    }
    // For all of them: one that hangs ends by its own limits, and what it would have said matters.
    answered_.wait(lock, [&] { return answers.missing == 0; });
    if (answers.found.empty() && answers.trouble) throw *answers.trouble;
    if (answers.found.empty()) {
        throw Error(ErrorKind::not_found,
                    "there is nothing of cluster " + settings_.cluster + " in the stores that were asked");
    }
    return answers.found;
}

std::optional<StoreAnswer> ArchiveView::remembered(const Place& place, const WalName& name) {
    const Listing& listing = place.listing;
    if (!place.settled_seen || steady_clock::now() - *place.settled_seen > settled_for) return std::nullopt;
    if (listing.timeline != name.timeline_digits() || name.text < listing.first || name.text > listing.last)
        return std::nullopt;
    const auto found = listing.names.find(name.text);
    if (found == listing.names.end()) return std::nullopt;
    StoreAnswer answer;
    answer.answered = true;
    answer.objects = found->second;
    if (place.settlements.contains(name.text)) {
        const auto settled = place.settled.find(name.text);
        if (settled == place.settled.end()) return std::nullopt;
        answer.settled = settled->second.contents;
        answer.refused = settled->second.refused;
    }
    return answer;
}

/// In a thread of the place's own, without the lock.
void ArchiveView::list_into(Place& place, const WalName& name, Asked& asked) {
    const ObjectKeys keys(place.settings.prefix, settings_.cluster, system_identifier_.value());
    const bool settled_known = place.settled_seen && steady_clock::now() - *place.settled_seen < settled_for;
    ListedSettlements fresh;
    if (!settled_known) fresh = list_settlements(*place.store, keys);
    const ListedSettlements& settlements = settled_known ? place.settlements : fresh;
    Settled settled;
    if (const auto listed = settlements.find(name.text); listed != settlements.end()) {
        settled = read_settled(*place.store, keys, system_identifier_.value(), listed->second, settings_);
    }

    Listing listing;
    const std::string directory = keys.wal_directory(name.text);
    listing.timeline = name.timeline_digits();
    listing.first = name.text;
    std::string later;
    std::string after = directory + name.text;
    for (bool more = true; more;) {
        const ObjectPage page = place.store->list(directory, after);
        for (const ObjectInfo& info : page.objects) {
            auto object = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
            if (!object) continue;
            if (later.empty() && is_behind(object->segment, name)) later = object->segment;
            listing.names[object->segment].push_back(std::move(*object));
        }
        const bool cut = page.more && !page.objects.empty();
        more = cut && (later.empty() || listing.names.size() < 2);
        if (more) {
            after = page.objects.back().key;
        } else if (cut) {
            // Some of its objects may be on the page that is not read.
            listing.names.erase(std::prev(listing.names.end()));
        }
    }
    if (!listing.names.empty()) listing.last = listing.names.rbegin()->first;

    const std::lock_guard lock(mutex_);
    if (!settled_known) {
        place.settlements = std::move(fresh);
        place.settled.clear();
        place.settled_seen = steady_clock::now();
    }
    asked.answer.settled = settled.contents;
    asked.answer.refused = settled.refused;
    place.settled[name.text] = std::move(settled);
    asked.answer.answered = true;
    asked.answer.later = later;
    if (const auto found = listing.names.find(name.text); found != listing.names.end())
        asked.answer.objects = found->second;
    if (const auto found = listing.names.find(name.text + ".partial"); found != listing.names.end())
        asked.answer.partials = found->second;
    // A standby that asks for what is not there yet must not lose what is there.
    if (!listing.names.empty()) place.listing = std::move(listing);
}

/// Under the lock, of a place that is not busy.
std::shared_ptr<ArchiveView::Asked> ArchiveView::ask(Place& place, const WalName& name) {
    auto asked = std::make_shared<Asked>();
    place.busy = true;
    place.thread = std::jthread([this, &place, name, asked] {
        std::optional<Error> trouble;
        try {
            if (!place.store) place.store = connect_to_list(place);
            list_into(place, name, *asked);
        } catch (const Error& error) {
            trouble = error;
        } catch (const std::exception& error) {
            trouble = Error(ErrorKind::internal, error.what());
        }
        const std::lock_guard lock(mutex_);
        asked->trouble = trouble;
        asked->done = true;
        place.failed = trouble ? std::optional(steady_clock::now()) : std::nullopt;
        place.busy = false;
        answered_.notify_all();
    });
    return asked;
}

Look ArchiveView::look(const WalName& name, bool fresh, Time deadline) {
    Look look{std::vector<StoreAnswer>(size()), std::vector<std::optional<Error>>(size()),
              std::vector<bool>(size(), false)};
    const Time began = steady_clock::now();
    std::vector<std::shared_ptr<Asked>> asked(size());
    std::vector<bool> finished(size(), false);
    std::optional<Time> found_since;
    std::unique_lock lock(mutex_);
    for (;;) {
        const Time now = steady_clock::now();
        std::size_t open = 0;
        std::size_t resting = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            Place& place = *places_[i];
            if (finished[i]) continue;
            if (!fresh && !asked[i]) {
                if (auto known = remembered(place, name)) {
                    look.answers[i] = std::move(*known);
                    finished[i] = true;
                    continue;
                }
            }
            if (asked[i] && asked[i]->done) {
                look.answers[i] = asked[i]->answer;
                look.troubles[i] = asked[i]->trouble;
                finished[i] = true;
                continue;
            }
            ++open;
            if (asked[i]) continue;
            if (!fresh && place.failed && now - *place.failed < rest()) {
                ++resting;
            } else if (!place.busy) {
                asked[i] = ask(place, name);
            }
        }
        const bool found = std::any_of(look.answers.begin(), look.answers.end(),
                                       [](const StoreAnswer& answer) { return !answer.objects.empty(); });
        if (found && !found_since) found_since = now;
        if (open == 0 || (found && open == resting)) break;
        const bool enough =
            options_.one_is_enough && std::any_of(look.answers.begin(), look.answers.end(),
                                                  [](const StoreAnswer& answer) { return answer.answered; });
        if (enough && open == resting) break;
        if (open == resting) {
            // Nobody else has it: those that failed are asked after all.
            fresh = true;
            continue;
        }
        Time limit = deadline;
        if (found_since) limit = std::min(limit, *found_since + time_to_contradict);
        if (enough) limit = std::min(limit, began + time_for_the_others);
        if (now >= limit) break;
        (void)answered_.wait_until(lock, limit);
    }
    for (std::size_t i = 0; i < size(); ++i) {
        if (finished[i]) continue;
        look.skipped[i] = !asked[i];
        look.troubles[i] = Error(ErrorKind::unreachable, "store " + store(i).name + ": no answer in time");
        if (!places_[i]->failed) places_[i]->failed = steady_clock::now();
    }
    return look;
}

bool ArchiveView::knows(const WalName& name) {
    const std::lock_guard lock(mutex_);
    return std::any_of(places_.begin(), places_.end(),
                       [&](const auto& place) { return place->listing.names.contains(name.text); });
}

std::vector<std::size_t> ArchiveView::order() {
    const std::lock_guard lock(mutex_);
    std::vector<std::size_t> order(size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const Time now = steady_clock::now();
    const auto ill = [&](std::size_t i) { return places_[i]->failed && now - *places_[i]->failed < rest(); };
    const auto place_in_line = [&](std::size_t i) { return std::pair(ill(i), rates_.slowness(i, now)); };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return place_in_line(a) < place_in_line(b); });
    return order;
}

std::chrono::seconds ArchiveView::rest() const noexcept {
    return options_.one_is_enough ? long_rest_after_failure : rest_after_failure;
}

void ArchiveView::note_failure(std::size_t index) {
    const std::lock_guard lock(mutex_);
    places_[index]->failed = steady_clock::now();
}

void ArchiveView::note_success(std::size_t index) {
    const std::lock_guard lock(mutex_);
    places_[index]->failed.reset();
}

}  // namespace walferry::archive
