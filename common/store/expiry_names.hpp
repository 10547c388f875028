#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/store/object_name.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry {

/// The last part of the key of a mark for removal: WHAT-SHA256.json (docs/format.md, "A mark").
struct MarkName {
    std::string what;    // a backup's ID, "wal" or "objects"
    std::string sha256;  // first 32 hex digits of the body's SHA-256

    std::string text() const { return what + "-" + sha256 + ".json"; }
    static std::optional<MarkName> parse(std::string_view text);

    bool operator==(const MarkName&) const = default;
};

/// The last part of the key of a hold, and of what releases one: ID-SHA256.json.
struct HoldName {
    BackupId backup;
    std::string sha256;

    std::string text() const { return backup.text + "-" + sha256 + ".json"; }
    static std::optional<HoldName> parse(std::string_view text);

    bool operator==(const HoldName&) const = default;
};

std::string marks_directory(const ObjectKeys& keys);     // ".../mark/"
std::string holds_directory(const ObjectKeys& keys);     // ".../hold/"
std::string releases_directory(const ObjectKeys& keys);  // ".../release/"
std::string expired_directory(const ObjectKeys& keys);   // ".../expired/": which WAL has left

}  // namespace walferry
