#include "restore/checked_unpack.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace walferry::restore {
namespace {

constexpr std::string_view links_folder = "pg_tblspc/";

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorKind::integrity, "the backup is refused: " + why,
                "do not use what was restored; `walferry backups` lists other backups");
}

/// The lock of a socket in the data directory, ".s.PGSQL.5432.lock", names the process of the server that was
/// backed up. Where another process has that number now, the restored server would not start.
bool is_socket_lock(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return name.starts_with(".s.PGSQL.") && name.ends_with(".lock");
}

}  // namespace

const ManifestFile& ManifestCheck::begin(const std::string& path, std::uint64_t size) {
    const ManifestFile* file = manifest_.find(path);
    if (file == nullptr) refuse(path + " is not in its manifest");
    if (file->size != size) {
        refuse(path + " has " + std::to_string(size) + " bytes, and " + std::to_string(file->size) +
               " in its manifest");
    }
    const auto index = static_cast<std::size_t>(file - manifest_.files.data());
    if (seen_[index]) refuse(path + " comes twice");
    seen_[index] = true;
    return *file;
}

void ManifestCheck::end(const ManifestFile& file, FileChecksum& checksum) {
    if (checksum.digits() != file.checksum) refuse(file.path + " has another checksum than in its manifest");
}

void ManifestCheck::finish() const {
    const auto missing = static_cast<std::size_t>(std::count(seen_.begin(), seen_.end(), false));
    if (missing == 0) return;
    const auto first = static_cast<std::size_t>(std::find(seen_.begin(), seen_.end(), false) - seen_.begin());
    refuse(manifest_.files[first].path + " is in its manifest, but did not come" +
           (missing > 1 ? " (and " + std::to_string(missing - 1) + " more)" : ""));
}

void CheckedUnpack::entry(const TarEntry& entry) {
    if (!rules_.first_folder.empty() && !entry.path.starts_with(rules_.first_folder))
        refuse("\"" + entry.path + "\" does not belong into a tablespace");
    if (entry.kind == TarEntry::Kind::link) return link(entry);
    // As they were, but for what lets others write or another user's rights in.
    if (entry.kind == TarEntry::Kind::directory)
        return tree_.make_directory(entry.path, 0700 | (entry.mode & 0055));
    const unsigned mode = 0600 | (entry.mode & 0155);
    file_ = &check_.begin(rules_.prefix + entry.path, entry.size);
    checksum_.emplace(file_->algorithm);
    const auto held = held_back_.find(entry.path);
    kept_ = held == held_back_.end() ? nullptr : &held->second.content;
    if (kept_ != nullptr) held->second.mode = mode;
    if (kept_ != nullptr && entry.size > longest_held_back) refuse(entry.path + " is far too large");
    shown_ = tree_.shown(entry.path);
    at_ = 0;
    if (kept_ == nullptr && !is_socket_lock(entry.path)) fd_ = tree_.create_file(entry.path, mode);
}

/// Where the server was asked for no tablespace_map, links say where its tablespaces are.
void CheckedUnpack::link(const TarEntry& entry) {
    const std::string_view path = entry.path;
    const std::string_view oid = path.substr(std::min(path.size(), links_folder.size()));
    const bool tablespace = rules_.prefix.empty() && path.starts_with(links_folder) && !oid.empty() &&
                            oid.find_first_not_of("0123456789") == oid.npos;
    if (!tablespace) refuse("\"" + entry.path + "\" is a link, and no tablespace's");
    if (!links_.emplace(oid, entry.target).second) refuse(entry.path + " comes twice");
}

void CheckedUnpack::data(Bytes bytes) {
    checksum_->update(bytes);
    if (kept_ != nullptr)
        kept_->append(as_text(bytes));
    else if (fd_)
        os::write_at(fd_.get(), bytes, at_, shown_);
    at_ += bytes.size();
    if (rules_.written) rules_.written(bytes.size());
}

void CheckedUnpack::end_of_file() {
    ManifestCheck::end(*file_, *checksum_);
    // Started now, so that syncing in the end waits for little.
    if (fd_ && at_ >= (1 << 20)) ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    fd_.reset();
}

}  // namespace walferry::restore
