#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/fault/crash/world.hpp"

namespace walferry::crash {

/// Where one segment is.
struct Whereabouts {
    bool spooled = false;
    bool source = false;
    bool row = false;      // in the ledger
    bool removed = false;  // as the ledger has it
    struct InStore {
        int objects = 0;
        int attempts = 0;
        std::string state;  // as the ledger has it; "": no row
    };
    std::map<std::string, InStore> stores;

    bool whole_in_every_store() const;
    bool recorded_in_every_store() const;
};

/// What a look at everything has shown. `wrong`: what must never be, crash or not.
struct Inspection {
    std::map<std::string, Whereabouts> segments;
    int left_over = 0;  // temporary files
    enum class LedgerIs { there, missing, empty, damaged } ledger = LedgerIs::there;
    std::vector<std::string> wrong;

    /// In a few words, the same ones for the same state.
    std::string summary() const;
};

/// Changes nothing: the ledger is read from a copy.
Inspection inspect(const World& world);

/// The same once everything has been done again: all segments whole in every store, one object each, the
/// spool empty, the ledger saying so.
Inspection inspect_end(const World& world, int objects_allowed = 1);

}  // namespace walferry::crash
