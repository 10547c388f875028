#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledger_part.hpp"

namespace walferry {

/// Objects of a store, next to each other in the order of their keys: those behind the span before, up to and
/// including `last_key`.
struct VerifySpan {
    std::string last_key;
    std::string since;                   // none of them has been unread for longer
    std::optional<std::string> read_at;  // nullopt: never, by verify
    std::uint64_t objects = 0, bytes = 0;
};

struct DamagedObject {
    std::string key;
    std::string what;
    std::string since;  // when it was first seen
    bool told = false;  // a run has ended with it
};

/// What `walferry verify` has read when, and the damage that it knows of. A store is named by what it points
/// at: see place_of(). None of it permits anything, so what a power cut takes is read once more.
class VerifyRecords : public LedgerPart {
  public:
    using LedgerPart::LedgerPart;

    /// In the order of their keys.
    std::vector<VerifySpan> verify_spans(const std::string& store);
    /// In one transaction: those of these last keys go, and these come, also in place of others.
    void change_spans(const std::string& store, std::span<const std::string> gone,
                      std::span<const VerifySpan> come);

    /// In the order of their keys.
    std::vector<DamagedObject> damage(const std::string& store);
    /// Of one that is known, only what it is changes.
    void note_damage(const std::string& store, const std::string& key, const std::string& what,
                     const std::string& now);
    void forget_damage(const std::string& store, const std::string& key);
    void damage_told(const std::string& store, std::span<const std::string> keys);
};

}  // namespace walferry
