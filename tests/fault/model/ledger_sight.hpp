#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace walferry::test::model {

/// What a ledger says, read with SQL from a copy, so that looking changes nothing.
struct LedgerSight {
    struct Segment {
        std::string directory;  // the system identifier
        std::string name;
        std::string fingerprint;
        bool in_spool = false;           // as the ledger has it
        std::set<std::string> verified;  // in these active stores
        std::string label() const { return directory + "/" + name + "-" + fingerprint; }
    };
    struct Conflict {
        std::int64_t segment = 0;
        std::string store;  // empty: seen in the spool
        std::string theirs;
        bool settled = false;
        bool divergent = false;  // settled because it lies behind a fork, as far as that is known
    };
    bool there = false;  // it exists and can be read
    std::map<std::int64_t, Segment> segments;
    std::map<std::string, std::string> stores;  // the active ones: name, path
    std::map<std::int64_t, Conflict> conflicts;

    const Segment* labelled(const std::string& label) const;
    bool knows_name(const std::string& directory, const std::string& name) const;
    bool verified_everywhere(const Segment& segment) const;
};

/// `copy`: a path for the copy.
LedgerSight look_at_ledger(const std::string& path, const std::string& copy);

}  // namespace walferry::test::model
