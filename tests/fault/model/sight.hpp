#pragma once
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/fault/model/ledger_sight.hpp"
#include "tests/fault/model/world.hpp"

namespace walferry::test::model {

/// An object of a segment in a store, judged by the documented format alone.
struct Object {
    std::string sha256;       // of what is there
    std::string directory;    // the system identifier
    std::string name;         // the segment's
    std::string fingerprint;  // by the object's name
    bool whole = false;       // it hashes to its name, and what it holds is what its name says
    std::string label() const { return directory + "/" + name + "-" + fingerprint; }
};

/// What is on disk between two steps.
struct Sight {
    struct Spool {
        std::map<std::string, std::string> files;  // path, SHA-256; only regular ones under WAL names
        std::set<int> contents;                    // those of them that somebody pushed
        std::vector<std::string> unknown;          // and those that nobody did
        std::vector<std::string> foreign;          // whatever else lies in ready/
        LedgerSight ledger;
    };
    std::vector<Spool> spools;
    struct Store {
        std::map<std::string, Object> objects;  // by key
        std::map<std::string, int> count;       // by label: objects, whole or not
        std::set<std::string> whole;            // labels
        std::set<std::string> settled;          // labels
        /// Fingerprints of other contents under that name.
        std::set<std::string> others(const Content& content) const;
    };
    std::vector<Store> stores;
};

/// Looks at everything; a file that has not changed since is not read again.
class Observer {
  public:
    Observer(const World& world, const Contents& contents) : world_(world), contents_(contents) {}
    Sight look();
    void forget() { hashes_.clear(); }

  private:
    struct Identity {
        std::uint64_t inode = 0;
        std::uint64_t size = 0;
        std::int64_t changed_seconds = 0, changed_nanoseconds = 0;
        auto operator<=>(const Identity&) const = default;
    };
    struct Known {
        std::string sha256;
        std::string inner_sha256;  // of the segment in an object
    };
    Known& known(const std::string& path);
    void look_into_spool(const Writer& writer, Sight::Spool& spool);
    void look_into_store(const StorePlace& place, Sight::Store& store);
    Object judge(const std::string& path, const std::string& directory, const std::string& file_name);
    std::string restored_sha256(const std::string& path);

    const World& world_;
    const Contents& contents_;
    std::map<Identity, Known> hashes_;
};

}  // namespace walferry::test::model
