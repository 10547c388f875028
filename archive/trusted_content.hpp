#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

struct HeldObject {
    ObjectStore* store = nullptr;
    std::string key;
    ObjectName object;
};

/// What trusted writers make of several contents of one name.
struct TrustedContent {
    std::string content;              // the only one that any of them signed
    std::vector<std::string> others;  // a line each
};

/// Reads all objects of a name. nullopt where there is no trusted writer, where they signed more than one of
/// the contents, or none, and where one cannot be read: then nobody knows whose it is.
std::optional<TrustedContent> only_trusted(const std::vector<HeldObject>& objects, const WalName& name,
                                           std::uint64_t system_identifier, const Settings& settings);

/// Whether these objects, all of one content, were signed by no trusted writer, so that the content counts
/// for nothing. False where there is no trusted writer, and where one of them cannot be read: damage is no
/// proof.
bool signed_by_strangers(const std::vector<HeldObject>& objects, const WalName& name,
                         std::uint64_t system_identifier, const Settings& settings);

}  // namespace walferry::archive
