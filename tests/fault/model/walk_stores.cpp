#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/fault/model/broken.hpp"
#include "tests/fault/model/walk.hpp"

namespace fs = std::filesystem;

namespace walferry::test::model {

void Walk::store_down(const Step& step) {
    const int store = static_cast<int>(step.b % world_.stores.size());
    world_.set_down(store, true);
    tell(world_.stores[static_cast<std::size_t>(store)].name + " is down");
}

void Walk::stores_back(const Step&) {
    for (std::size_t i = 0; i < world_.stores.size(); ++i) world_.set_down(static_cast<int>(i), false);
    tell("all stores are up");
}

// Only what nobody has verified yet: what happens to verified objects later is not the drain's to notice.
void Walk::damage_object(const Step& step) {
    std::vector<std::pair<int, std::string>> candidates;
    for (std::size_t store = 0; store < now_.stores.size(); ++store) {
        for (const auto& [key, object] : now_.stores[store].objects) {
            if (object.whole && !book_.counted_on(now_, static_cast<int>(store), object.label()))
                candidates.emplace_back(store, key);
        }
    }
    if (candidates.empty()) return;
    const auto& [store, key] = candidates[step.b % candidates.size()];
    const StorePlace& place = world_.stores[static_cast<std::size_t>(store)];
    std::fstream file(place.now() + "/main/" + key, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(0, std::ios::end);
    const auto at = static_cast<std::streamoff>(step.c) % file.tellg();
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ (1 << step.d % 8));
    file.seekp(at);
    file.put(byte);
    file.close();
    tell("a bit of " + key + " in " + place.name + " flips");
    observer_.forget();
    Doing done;
    done.damaged.insert({store, key});
    look(done);
}

void Walk::move_damaged_away(const Step&) {
    Doing done;
    for (std::size_t store = 0; store < now_.stores.size(); ++store) {
        for (const auto& [key, object] : now_.stores[store].objects) {
            if (object.whole) continue;
            fs::remove(world_.stores[store].now() + "/main/" + key);
            done.moved.insert({static_cast<int>(store), key});
            tell(key + " is moved away from " + world_.stores[store].name);
        }
    }
    look(done);
}

void Walk::add_store(const Step& step) {
    const int number = writer_of(step);
    Writer& host = writer(number);
    if (host.stores.size() >= 3) return;
    int store = -1;
    for (int i = 0; i < static_cast<int>(world_.stores.size()); ++i) {
        if (!host.configured(i)) store = i;
    }
    if (store < 0 || (step.b % 2 == 0 && world_.stores.size() < 5)) store = world_.add_store();
    host.stores.push_back(store);
    world_.write_config(host);
    tell(world_.stores[static_cast<std::size_t>(store)].name + " is added by " + host.name);
    look();
}

void Walk::retire_store(const Step& step) {
    const int number = writer_of(step);
    Writer& host = writer(number);
    if (host.stores.size() < 2 || damaged_ledger_[static_cast<std::size_t>(number)]) return;
    const int store = host.stores[step.b % host.stores.size()];
    const std::string name = world_.stores[static_cast<std::size_t>(store)].name;
    const bool known = ledger(number).stores.contains(name);
    if (!ledger(number).there) return;
    expect(run(number, "retire", {"stores", "retire", name}), {2},
           "retiring a store that is still configured");
    std::erase(host.stores, store);
    world_.write_config(host);
    expect(run(number, "retire", {"stores", "retire", name}), {known ? 0 : 2},
           "retiring " + name + " of " + host.name);
    look();
    must(!ledger(number).stores.contains(name), "a retired store is no longer waited for", name);
}

void Walk::forget_store(const Step& step) {
    const int number = writer_of(step);
    Writer& host = writer(number);
    if (host.stores.size() < 2 || !ledger(number).there) return;
    const auto stores = host.stores;
    const int store = stores[step.b % stores.size()];
    if (!ledger(number).stores.contains(world_.stores[static_cast<std::size_t>(store)].name)) return;
    std::erase(host.stores, store);
    world_.write_config(host);
    const Sight before = now_;
    Call call;
    call.program = step.c % 2 == 0;
    expect(start_drain(number, call).finish(), {2}, "drain with a store forgotten in the configuration");
    host.stores = stores;
    world_.write_config(host);
    look();  // no drain is named: nothing may be gone
}

// The one that this spool has is the right one.
void Walk::settle(const Step& step) {
    const int number = writer_of(step);
    std::vector<const LedgerSight::Segment*> candidates;
    for (const auto& [id, conflict] : ledger(number).conflicts) {
        if (!conflict.settled) candidates.push_back(&ledger(number).segments.at(conflict.segment));
    }
    if (candidates.empty()) return;
    const LedgerSight::Segment chosen = *candidates[step.b % candidates.size()];
    for (const auto& store_row : ledger(number).stores) {
        const std::string& name = store_row.first;
        // Refused like a drain: which stores there are is not settled itself.
        const auto& configured = writer(number).stores;
        if (std::none_of(configured.begin(), configured.end(), [&](int store) {
                return world_.stores[static_cast<std::size_t>(store)].name == name;
            }))
            return;
    }
    std::set<int> codes{0};
    for (const int store : writer(number).stores) {
        const auto index = static_cast<std::size_t>(store);
        bool other = false;
        for (const std::string& label : now_.stores[index].settled) {
            other = other || (label != chosen.label() &&
                              label.starts_with(chosen.directory + "/" + chosen.name + "-"));
        }
        if (world_.stores[index].down && codes != std::set{3}) {
            codes = {1, 4};
        } else if (other && !world_.stores[index].down) {
            codes = {3};
        }
    }
    const auto earlier = ledger(number).conflicts;
    expect(run(number, "settle", {"settle", chosen.name, chosen.fingerprint}), codes,
           "settle " + chosen.label());
    look();
    if (codes == std::set{0}) {
        for (const int store : writer(number).stores) {
            must(now_.stores[static_cast<std::size_t>(store)].settled.contains(chosen.label()),
                 "settling says so in every store", chosen.label());
        }
    }
    for (const auto& [id, conflict] : ledger(number).conflicts) {
        const auto& segment = ledger(number).segments.at(conflict.segment);
        if (segment.directory == chosen.directory && segment.name == chosen.name)
            must(conflict.settled == (codes == std::set{0} || earlier.at(id).settled),
                 "a conflict stays until it is settled", chosen.label());
    }
    check_conflict_list(number);
}

void Walk::check_conflict_list(int number) {
    const Ended ended = run(number, "conflicts", {"conflicts", "--ledger", "--json"});
    std::multiset<std::string> shown;
    for (const auto& named : nlohmann::json::parse(ended.said)) {
        for (const auto& row : named["seen"]) {
            if (!row["settled_at"].is_null() || !row["divergence"].is_null()) continue;
            const std::string store = row["store"].is_null() ? "" : row["store"].get<std::string>();
            shown.insert(named["system_identifier"].get<std::string>() + "/" +
                         named["name"].get<std::string>() + " " + store + " " +
                         row["theirs"].get<std::string>());
        }
    }
    std::multiset<std::string> wanted;
    for (const auto& [id, conflict] : ledger(number).conflicts) {
        const auto& segment = ledger(number).segments.at(conflict.segment);
        if (!conflict.settled)
            wanted.insert(segment.directory + "/" + segment.name + " " + conflict.store + " " +
                          conflict.theirs);
    }
    must(shown == wanted, "conflicts are shown until they are settled", ended.said);
}

}  // namespace walferry::test::model
