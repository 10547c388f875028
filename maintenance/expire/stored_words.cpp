#include "maintenance/expire/stored_words.hpp"

#include <algorithm>

#include "archive/plain_read.hpp"
#include "common/codec/expiry_mark.hpp"
#include "common/error.hpp"
#include "common/store/expiry_names.hpp"
#include "common/store/listing.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::expire {
namespace {

void require_place(bool right) {
    if (!right) throw Error(ErrorKind::integrity, "it is about something else than its key says");
}

/// Calls `take` for each of a folder; false from it: it counts for nothing.
template <class Take>
void read_hold_folder(ObjectStore& store, const std::string& folder, const Trust& trust, SeenHolds& seen,
                      const Take& take) {
    for (const ObjectInfo& info : Listing(store, folder)) {
        const auto name = HoldName::parse(std::string_view(info.key).substr(folder.size()));
        if (!name) continue;
        try {
            BackupHold hold = parse_hold(archive::read_plain(store, info.key, name->sha256, max_hold_size));
            check_signature(hold, trust.writers);
            require_place(hold.cluster == trust.cluster &&
                          hold.system_identifier == trust.system_identifier && hold.backup == name->backup);
            take(*name, std::move(hold));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::not_found) continue;  // it was removed meanwhile
            if (error.kind() != ErrorKind::integrity) throw;
            seen.refused.push_back(info.key + " counts for nothing: " + error.message());
        }
    }
}

std::optional<WalRun> run_of(const std::pair<std::string, std::string>& names, std::uint64_t segment_size) {
    const auto first = WalName::parse(names.first);
    const auto last = WalName::parse(names.second);
    const auto begin = first ? first->start_lsn(segment_size) : std::nullopt;
    const auto end = last ? last->start_lsn(segment_size) : std::nullopt;
    if (!begin || !end) return std::nullopt;
    return WalRun{first->timeline, *begin / segment_size, *end / segment_size};
}

/// Throws integrity where it marks nothing.
Mark mark_of(const ExpiryMark& said, std::uint64_t segment_size, const ObjectKeys& keys) {
    Mark mark;
    mark.policy = said.policy;
    mark.writer = said.writer.empty() ? "a host that does not sign" : said.writer;
    mark.backup = said.backup;
    for (const auto& names : said.wal) {
        const auto run = run_of(names, segment_size);
        if (!run) throw Error(ErrorKind::integrity, "it names segments of another size");
        mark.wal.push_back(*run);
    }
    for (const std::string& key : said.keys) mark.keys.push_back(keys.root() + key);
    return mark;
}

}  // namespace

void SeenHolds::add(const SeenHolds& other) {
    holds.insert(other.holds.begin(), other.holds.end());
    released.insert(other.released.begin(), other.released.end());
    refused.insert(refused.end(), other.refused.begin(), other.refused.end());
}

std::vector<Hold> SeenHolds::in_force() const {
    std::vector<Hold> found;
    for (const auto& [sha256, hold] : holds) {
        if (released.contains(sha256)) continue;
        Hold& added = found.emplace_back();
        added.backup = hold.backup;
        if (!hold.until.empty()) added.until = parse_time(hold.until);
        added.reason = hold.reason;
    }
    return found;
}

SeenHolds read_holds(ObjectStore& store, const ObjectKeys& keys, const Trust& trust) {
    SeenHolds seen;
    read_hold_folder(store, holds_directory(keys), trust, seen, [&](const HoldName& name, BackupHold hold) {
        require_place(hold.releases.empty());
        seen.holds.emplace(name.sha256, std::move(hold));
    });
    read_hold_folder(store, releases_directory(keys), trust, seen,
                     [&](const HoldName&, const BackupHold& release) {
                         require_place(!release.releases.empty());
                         seen.released.insert(release.releases);
                     });
    return seen;
}

SeenMarks read_marks(ObjectStore& store, const ObjectKeys& keys, const Trust& trust,
                     std::uint64_t segment_size) {
    SeenMarks seen;
    const std::string folder = marks_directory(keys);
    for (const ObjectInfo& info : Listing(store, folder)) {
        const auto name = MarkName::parse(std::string_view(info.key).substr(folder.size()));
        if (!name || !info.modified) continue;
        Mark mark;
        try {
            const ExpiryMark said =
                parse_mark(archive::read_plain(store, info.key, name->sha256, max_mark_size));
            check_signature(said, trust.writers);
            require_place(said.cluster == trust.cluster &&
                          said.system_identifier == trust.system_identifier && said.what() == name->what);
            mark = mark_of(said, segment_size, keys);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::not_found) continue;
            if (error.kind() != ErrorKind::integrity) throw;
            mark.counted = false;
        }
        mark.made = *info.modified;
        seen.marks.push_back(std::move(mark));
        seen.keys.push_back(info.key);
    }
    return seen;
}

}  // namespace walferry::expire
