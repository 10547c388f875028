#pragma once
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/store/object_name.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// What one store says about a name.
struct StoreAnswer {
    bool answered = false;                  // else nothing here means anything
    std::vector<ObjectName> objects;        // of that name
    std::set<std::string> settled;          // fingerprints that a person has settled it for
    std::vector<std::string> refused = {};  // settlements that count for nothing, a line each
    std::string later;                   // a segment or .partial of the same timeline behind it; "" for none
    std::vector<ObjectName> partials{};  // of NAME.partial
};

/// What all the answers together mean.
struct Verdict {
    enum class Kind {
        found,    // take an object with `content`
        absent,   // every store answered, and it is nowhere
        gap,      // the same, but `detail` comes later on that timeline
        unknown,  // it is in no store that answered, and not every store did
        several,  // two contents, and nobody has settled which is right; `detail` says it in words
    };
    Kind kind = Kind::unknown;
    std::string content;  // a fingerprint
    std::string detail;
};

/// The content that recovery takes of several because it was settled. nullopt where none was, or several
/// were. `all_asked`: see judge.
std::optional<std::string> settled_content(std::set<std::string> settled,
                                           const std::set<std::string>& contents, bool all_asked);

/// What was settled counts even where only another content can be seen: the store that has the right one may
/// be down, and the wrong one must not be replayed for that. Only where every store answered, and none that
/// is configured was left out but by --without (`all_asked`), does a settlement for a content that no store
/// shows count for nothing.
Verdict judge(const WalName& name, std::span<const StoreAnswer> answers, bool all_asked = true);

}  // namespace walferry::archive
