#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/wal/backup_name.hpp"

namespace walferry {

/// The last part of an object's key (docs/format.md, "The name"):
///   NAME-FINGERPRINT-RECIPIENTS-SHA256.zst.age     encrypted
///   NAME-FINGERPRINT-00000000-SHA256.zst           not encrypted
struct ObjectName {
    std::string segment;      // a WalName's text; a BackupPart's in a backup's folder
    std::string fingerprint;  // 32 lower-case hex digits
    std::string recipients;   // 8 lower-case hex digits
    std::string sha256;       // first 32 hex digits of the body's SHA-256
    bool encrypted = true;

    std::string text() const;
    /// "NAME-FINGERPRINT-RECIPIENTS-": what every encoding of one content for one set of recipients starts
    /// with.
    std::string stem() const;
    /// nullopt for other suffixes and for anything that text() would not produce to the letter.
    static std::optional<ObjectName> parse(std::string_view text);
    /// The same for what lies in a backup's folder.
    static std::optional<ObjectName> parse_backup(std::string_view text);

    bool operator==(const ObjectName&) const = default;
};

/// The last part of a settlement's key: NAME-FINGERPRINT-SHA256.json.
struct SettlementName {
    std::string segment;      // a WalName's text
    std::string fingerprint;  // 32 lower-case hex digits: the content that recovery takes
    std::string sha256;       // first 32 hex digits of the body's SHA-256

    std::string text() const;
    static std::optional<SettlementName> parse(std::string_view text);

    bool operator==(const SettlementName&) const = default;
};

/// The last part of the key of a backup's index: index-SHA256.json.zst.
struct IndexName {
    std::string sha256;  // first 32 hex digits of the body's SHA-256

    std::string text() const;
    static std::optional<IndexName> parse(std::string_view text);

    bool operator==(const IndexName&) const = default;
};

/// The last part of the key of what says that a backup is being made: begin-SHA256.json.
struct BeginName {
    std::string sha256;  // first 32 hex digits of the body's SHA-256

    std::string text() const;
    static std::optional<BeginName> parse(std::string_view text);

    bool operator==(const BeginName&) const = default;
};

/// First 8 hex digits of SHA-256 over the sorted recipients joined by newlines; "00000000" for none.
std::string recipients_tag(std::vector<std::string> recipients);

/// Builds keys below PREFIX/CLUSTER/SYSID. An empty prefix leaves its slash out too.
class ObjectKeys {
  public:
    ObjectKeys(std::string_view prefix, std::string_view cluster, std::uint64_t system_identifier);

    const std::string& root() const noexcept { return root_; }       // ends in "/"
    std::string wal_directory(std::string_view segment_name) const;  // ".../wal/TTTTTTTT/"
    std::string wal(const ObjectName& name) const;
    std::string backups_directory() const { return root_ + "backup/"; }
    std::string backup_directory(const BackupId& id) const { return backups_directory() + id.text + "/"; }
    std::string backup(const BackupId& id, const ObjectName& name) const;
    std::string index(const BackupId& id, const IndexName& name) const {
        return backup_directory(id) + name.text();
    }
    std::string settled_directory() const { return root_ + "settled/"; }
    std::string settled(const SettlementName& name) const { return settled_directory() + name.text(); }

  private:
    std::string root_;
};

}  // namespace walferry
