#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "restore/backup_manifest.hpp"
#include "restore/tar_reader.hpp"
#include "restore/tree_writer.hpp"

namespace walferry::restore {

/// What the whole backup must come to: every file of the manifest once, and no other.
class ManifestCheck {
  public:
    explicit ManifestCheck(const BackupManifest& manifest)
        : manifest_(manifest), seen_(manifest.files.size()) {}

    /// Throws integrity for a file that the manifest does not know, knows with another size, or that came
    /// before.
    const ManifestFile& begin(const std::string& path, std::uint64_t size);
    /// Throws integrity where the bytes were others.
    static void end(const ManifestFile& file, FileChecksum& checksum);
    /// Throws integrity where files are missing.
    void finish() const;

  private:
    const BackupManifest& manifest_;
    std::vector<bool> seen_;
};

/// Unpacks the tar of the data directory or of one tablespace, and compares each file while it goes by.
class CheckedUnpack : public TarVisitor {
  public:
    struct Rules {
        std::string prefix;        // of its paths in the manifest: "" or "pg_tblspc/OID/"
        std::string first_folder;  // what the first part of every path must begin with; may be empty
        std::function<void(std::uint64_t)> written;  // bytes, as they go by
    };

    CheckedUnpack(TreeWriter& tree, ManifestCheck& check, Rules rules)
        : tree_(tree), check_(check), rules_(std::move(rules)) {}

    void entry(const TarEntry& entry) override;
    void data(Bytes bytes) override;
    void end_of_file() override;

    /// Kept in memory and not written: files without which a server does not start, or that must be changed.
    void hold_back(const std::string& path) { held_back_.emplace(path, HeldBack{}); }
    struct HeldBack {
        std::string content;
        unsigned mode = 0600;
    };
    const HeldBack& held_back(const std::string& path) const { return held_back_.at(path); }
    /// The links below pg_tblspc: OID to location. They are not made.
    const std::map<std::string, std::string>& tablespace_links() const noexcept { return links_; }

  private:
    void link(const TarEntry& entry);

    static constexpr std::uint64_t longest_held_back = 16 << 20;

    TreeWriter& tree_;
    ManifestCheck& check_;
    Rules rules_;
    std::map<std::string, HeldBack> held_back_;
    std::map<std::string, std::string> links_;

    const ManifestFile* file_ = nullptr;  // the one that is coming
    std::optional<FileChecksum> checksum_;
    std::string* kept_ = nullptr;
    Fd fd_;
    std::string shown_;
    std::uint64_t at_ = 0;
};

}  // namespace walferry::restore
