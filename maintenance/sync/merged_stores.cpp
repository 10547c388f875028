#include "maintenance/sync/merged_stores.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/error.hpp"

namespace walferry::sync {
namespace {

constexpr std::string_view marks = "mark/";

[[noreturn]] void read_only(const std::string& key) {
    throw Error(ErrorKind::internal, "several stores read as one are not written to: " + key);
}

}  // namespace

bool Held::in(std::size_t place) const noexcept {
    return std::find(places.begin(), places.end(), place) != places.end();
}

std::string MergedStores::tail(const std::string& key) const {
    const std::string& root = places_.front().root;
    if (!key.starts_with(root)) throw Error(ErrorKind::internal, key + " does not lie below " + root);
    return key.substr(root.size());
}

ObjectPage MergedStores::page_of(const Place& place, const std::string& prefix,
                                 const std::string& start_after) const {
    if (&place != &places_.front() && prefix.starts_with(marks)) return {};
    return place.store->list(place.root + prefix, start_after.empty() ? "" : place.root + start_after);
}

HeldPage MergedStores::held(const std::string& prefix, const std::string& start_after) {
    HeldPage page;
    std::map<std::string, Held> merged;
    std::optional<std::string> bound;  // what sorts behind it may still come from a store that has more
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const Place& place = places_[i];
        const ObjectPage one = page_of(place, prefix, start_after);
        for (const ObjectInfo& info : one.objects) {
            Held& held = merged[info.key.substr(place.root.size())];
            if (held.places.empty()) held.size = info.size;
            if (!held.modified || (info.modified && *info.modified < *held.modified))
                held.modified = info.modified;
            held.places.push_back(i);
        }
        if (!one.more) continue;
        page.more = true;
        std::string last = one.objects.back().key.substr(place.root.size());
        if (!bound || last < *bound) bound = std::move(last);
    }
    for (auto& [tail, held] : merged) {
        if (bound && tail > *bound) break;
        held.tail = tail;
        page.objects.push_back(std::move(held));
    }
    return page;
}

ObjectPage MergedStores::list(const std::string& prefix, const std::string& start_after) {
    const HeldPage merged = held(tail(prefix), start_after.empty() ? "" : tail(start_after));
    ObjectPage page;
    page.more = merged.more;
    for (const Held& each : merged.objects)
        page.objects.push_back({places_.front().root + each.tail, each.size, each.modified});
    return page;
}

/// The first that has it; trouble with one matters where no other has it.
void MergedStores::from_any(const std::string& key,
                            const std::function<void(ObjectStore&, const std::string&)>& get) {
    const std::string what = tail(key);
    std::optional<Error> trouble;
    for (const Place& place : places_) {
        try {
            get(*place.store, place.root + what);
            return;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            if (!trouble || trouble->kind() == ErrorKind::not_found) trouble = error;
        }
    }
    throw Error(*trouble);
}

void MergedStores::get(const std::string& key, Receiver& receiver) {
    from_any(key, [&](ObjectStore& store, const std::string& at) { store.get(at, receiver); });
}

void MergedStores::get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                             Receiver& receiver) {
    from_any(key, [&](ObjectStore& store, const std::string& at) {
        store.get_range(at, offset, length, receiver);
    });
}

std::optional<ObjectInfo> MergedStores::head(const std::string& key) {
    for (const Place& place : places_) {
        if (auto info = place.store->head(place.root + tail(key))) {
            info->key = key;
            return info;
        }
    }
    return std::nullopt;
}

PutResult MergedStores::put(const std::string& key, const Body&, const BodyDigest&) {
    read_only(key);
}

void MergedStores::remove(const std::string& key) {
    read_only(key);
}

}  // namespace walferry::sync
