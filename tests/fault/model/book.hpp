#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/fault/model/sight.hpp"

namespace walferry::test::model {

/// What a step did that explains changes on disk.
struct Doing {
    std::set<int> draining;                       // writers whose drain ran
    std::set<int> ledger_replaced;                // writers whose ledger was lost or made again
    std::set<std::string> removed_by_hand;        // paths of spool files
    std::set<std::pair<int, std::string>> moved;  // objects that the administrator moved away: store, key
    std::set<std::pair<int, std::string>> damaged;
    bool faulty_disk = false;                // what is new may be damaged
    std::set<std::pair<int, int>> accepted;  // writer, content: a push said 0
};

/// The model: what was accepted, and where it must be since. It knows nothing of how walferry works.
class Book {
  public:
    Book(const World& world, const Contents& contents) : world_(world), contents_(contents) {}

    /// Throws Broken where `after` cannot be what honest programs make of `before`.
    void compare(const Sight& before, const Sight& after, const Doing& doing);
    /// Another object of that content is justified.
    void may_store_again(int writer, int content) { ++entries_[{writer, content}]; }
    /// A store whose objects somebody may still count on.
    bool counted_on(const Sight& sight, int store, const std::string& label) const;

  private:
    struct Debt {
        bool lost = false;          // its file was deleted by hand
        std::set<int> stores = {};  // where it must be whole, once it has left the spool
    };
    void spool_files(int writer, const Sight& before, const Sight& after, const Doing& doing);
    void debts(const Sight& after) const;
    void objects(const Sight& before, const Sight& after, const Doing& doing);
    void ledgers(int writer, const Sight& before, const Sight& after, const Doing& doing) const;
    void conflicts(int writer, const Sight& before, const Sight& after) const;
    int store_named(const std::string& name) const;

    const World& world_;
    const Contents& contents_;
    std::map<std::pair<int, int>, Debt> debts_;
    std::map<std::pair<int, int>, int> entries_;          // writer, content: came into the spool so often
    std::map<std::pair<int, std::string>, int> damages_;  // store, label
};

}  // namespace walferry::test::model
