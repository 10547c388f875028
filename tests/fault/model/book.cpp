#include "tests/fault/model/book.hpp"

#include "tests/fault/model/broken.hpp"

namespace walferry::test::model {

int Book::store_named(const std::string& name) const {
    for (std::size_t i = 0; i < world_.stores.size(); ++i) {
        if (world_.stores[i].name == name) return static_cast<int>(i);
    }
    return -1;
}

void Book::compare(const Sight& before, const Sight& after, const Doing& doing) {
    // Without the ledger nothing proves whose object it is: what is spooled is put once more.
    for (const int writer : doing.ledger_replaced) {
        for (const int content : after.spools[static_cast<std::size_t>(writer)].contents)
            may_store_again(writer, content);
    }
    for (int writer = 0; writer < static_cast<int>(world_.writers.size()); ++writer)
        spool_files(writer, before, after, doing);
    objects(before, after, doing);
    debts(after);
    for (int writer = 0; writer < static_cast<int>(world_.writers.size()); ++writer) {
        ledgers(writer, before, after, doing);
        if (doing.draining.contains(writer)) conflicts(writer, before, after);
    }
}

void Book::spool_files(int writer, const Sight& before, const Sight& after, const Doing& doing) {
    const auto index = static_cast<std::size_t>(writer);
    const auto& was = before.spools[index];
    const auto& is = after.spools[index];
    const Writer& host = world_.writers[index];
    for (const auto& [path, sha256] : was.files) {
        const auto still = is.files.find(path);
        must(still == is.files.end() || still->second == sha256, "a spool file never changes", path);
        if (still == is.files.end() && !doing.removed_by_hand.contains(path))
            must(doing.draining.contains(writer), "only a drain removes a spool file", path);
    }
    for (const std::string& path : was.unknown) {
        must(is.files.contains(path) || doing.removed_by_hand.contains(path),
             "what was not pushed is left alone", path);
    }
    for (const int content : was.contents) {
        if (is.contents.contains(content)) continue;
        Debt& debt = debts_[{writer, content}];
        const std::string file = host.file(contents_[content]);
        if (doing.removed_by_hand.contains(file) ||
            doing.removed_by_hand.contains(file + "-" + contents_[content].fingerprint)) {
            debt.lost = true;
            continue;
        }
        for (const int store : host.stores) {
            must(after.stores[static_cast<std::size_t>(store)].whole.contains(contents_[content].label()),
                 "a segment leaves the spool only when every store has it whole",
                 contents_[content].label() + " is not in " +
                     world_.stores[static_cast<std::size_t>(store)].name);
            debt.stores.insert(store);
        }
    }
    for (const int content : is.contents) {
        debts_[{writer, content}].lost = false;
        if (!was.contents.contains(content)) may_store_again(writer, content);
    }
    for (const auto& [pusher, content] : doing.accepted) {
        if (pusher != writer) continue;
        Debt& debt = debts_[{writer, content}];
        debt.lost = false;
        if (is.contents.contains(content)) continue;
        // Every store that the ledger knows has it, or the drain beside it has brought it there.
        const bool drained = doing.draining.contains(writer);
        for (const int store : host.stores) {
            const std::string& name = world_.stores[static_cast<std::size_t>(store)].name;
            if (drained || was.ledger.stores.contains(name)) debt.stores.insert(store);
        }
        must(!debt.stores.empty(), "nothing accepted is lost",
             contents_[content].label() + " was accepted, and is neither spooled nor in any store");
    }
}

void Book::debts(const Sight& after) const {
    for (const auto& [key, debt] : debts_) {
        const auto& [writer, content] = key;
        const Content& owed = contents_[content];
        if (debt.lost || after.spools[static_cast<std::size_t>(writer)].contents.contains(content)) continue;
        must(!debt.stores.empty(), "nothing accepted is lost", owed.label() + " is nowhere");
        for (const int store : debt.stores) {
            must(after.stores[static_cast<std::size_t>(store)].whole.contains(owed.label()),
                 "nothing accepted is lost",
                 owed.label() + " is no longer in " + world_.stores[static_cast<std::size_t>(store)].name);
        }
    }
}

void Book::objects(const Sight& before, const Sight& after, const Doing& doing) {
    for (int store = 0; store < static_cast<int>(after.stores.size()); ++store) {
        const auto index = static_cast<std::size_t>(store);
        const auto& is = after.stores[index];
        if (index < before.stores.size()) {
            for (const auto& [key, object] : before.stores[index].objects) {
                if (doing.moved.contains({store, key})) continue;
                const auto still = is.objects.find(key);
                must(still != is.objects.end(), "an object never vanishes", key);
                const bool damaged = doing.damaged.contains({store, key});
                if (damaged) ++damages_[{store, object.label()}];
                must(damaged || still->second.sha256 == object.sha256, "an object never changes", key);
            }
            for (const std::string& label : before.stores[index].settled)
                must(is.settled.contains(label), "an object never vanishes", "settled " + label);
        }
        for (const auto& [key, object] : is.objects) {
            const bool is_new = index >= before.stores.size() || !before.stores[index].objects.contains(key);
            if (object.whole || !is_new) continue;
            must(doing.faulty_disk, "an object is whole from the moment it has its name", key);
            ++damages_[{store, object.label()}];
        }
        for (const auto& [label, count] : is.count) {
            int justified = 0;
            const auto damages = damages_.find({store, label});
            if (damages != damages_.end()) justified += damages->second;
            for (int writer = 0; writer < static_cast<int>(world_.writers.size()); ++writer) {
                const auto entries = entries_.find({writer, contents_.labelled(label)});
                if (entries != entries_.end()) justified += entries->second;
            }
            must(count <= justified, "no more objects than attempts justify",
                 std::to_string(count) + " of " + label + " in " + world_.stores[index].name +
                     ", where at most " + std::to_string(justified) + " can be explained");
        }
    }
}

void Book::ledgers(int writer, const Sight& before, const Sight& after, const Doing& doing) const {
    const LedgerSight& was = before.spools[static_cast<std::size_t>(writer)].ledger;
    const LedgerSight& is = after.spools[static_cast<std::size_t>(writer)].ledger;
    for (const auto& [id, row] : is.segments) {
        for (const std::string& name : row.verified) {
            const int store = store_named(name);
            must(store >= 0 && after.stores[static_cast<std::size_t>(store)].whole.contains(row.label()),
                 "what the ledger calls verified is there whole", row.label() + " in " + name);
        }
    }
    if (doing.ledger_replaced.contains(writer)) return;
    must(is.there || !was.there, "a ledger stays readable",
         world_.writers[static_cast<std::size_t>(writer)].name);
    for (const auto& [id, row] : was.segments) {
        const auto still = is.segments.find(id);
        must(still != is.segments.end() && still->second.label() == row.label(), "the ledger forgets nothing",
             row.label());
        // What has come back to the spool is read back once more before it goes.
        const bool came_back = !row.in_spool && still->second.in_spool;
        for (const std::string& store : row.verified) {
            must(!is.stores.contains(store) || came_back || still->second.verified.contains(store),
                 "the ledger forgets nothing", row.label() + " was verified in " + store);
        }
    }
    for (const auto& [id, conflict] : was.conflicts) {
        const auto still = is.conflicts.find(id);
        must(still != is.conflicts.end() && (conflict.divergent || still->second.settled >= conflict.settled),
             "the ledger forgets nothing", "a conflict with " + conflict.theirs);
    }
}

void Book::conflicts(int writer, const Sight& before, const Sight& after) const {
    const LedgerSight& was = before.spools[static_cast<std::size_t>(writer)].ledger;
    const LedgerSight& is = after.spools[static_cast<std::size_t>(writer)].ledger;
    std::set<std::tuple<std::int64_t, std::string, std::string>> recorded;
    for (const auto& [id, conflict] : is.conflicts)
        recorded.insert({conflict.segment, conflict.store, conflict.theirs});
    for (const auto& [id, row] : is.segments) {
        const LedgerSight::Segment* earlier = was.labelled(row.label());
        for (const std::string& name : row.verified) {
            const int store = store_named(name);
            if (earlier != nullptr && earlier->verified.contains(name)) continue;
            if (store < 0 || static_cast<std::size_t>(store) >= before.stores.size()) continue;
            const Content& content = contents_[contents_.labelled(row.label())];
            for (const std::string& theirs : before.stores[static_cast<std::size_t>(store)].others(content)) {
                must(recorded.contains({id, name, theirs}), "a conflict is recorded by the run that meets it",
                     row.label() + " in " + name + " against " + theirs);
            }
        }
    }
}

bool Book::counted_on(const Sight& sight, int store, const std::string& label) const {
    const int content = contents_.labelled(label);
    for (const auto& [key, debt] : debts_) {
        if (key.second == content && debt.stores.contains(store)) return true;
    }
    const std::string& name = world_.stores[static_cast<std::size_t>(store)].name;
    for (const auto& spool : sight.spools) {
        const LedgerSight::Segment* row = spool.ledger.labelled(label);
        if (row != nullptr && row->verified.contains(name)) return true;
    }
    return false;
}

}  // namespace walferry::test::model
