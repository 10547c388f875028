#include "restore/late_tablespaces.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <span>

#include "common/error.hpp"
#include "common/micro_time.hpp"
#include "common/os/directory_entries.hpp"
#include "common/os/os.hpp"
#include "common/shell_word.hpp"
#include "common/wal/lsn.hpp"
#include "restore/server_configuration.hpp"
#include "restore/tablespace_option.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {
namespace {

namespace fs = std::filesystem;

/// Behind which recovery to that target replays nothing.
class End {
  public:
    End(const RecoveryTarget& target, const archive::SurveyedBackup& backup, const archive::Reach& reach)
        : target_(target), position_(reach.end_lsn) {
        if (target.kind == TargetKind::lsn && target.exclusive) position_ = std::min(position_, target.lsn);
        // The first record that begins there or behind is replayed as well, wherever it is.
        const std::uint64_t size = backup.label.segment_size;
        if (target.kind == TargetKind::lsn && !target.exclusive)
            position_ = std::min(position_, (target.lsn / size + 2) * size);
        if (target.kind == TargetKind::immediate) position_ = backup.label.stop_lsn;
    }
    std::uint64_t position() const noexcept { return position_; }

    /// True once the segment holds the target.
    bool lies_in(PathFacts& facts, const PathFacts::Segment& segment, std::uint64_t consistent_from) {
        if (target_.kind == TargetKind::time && segment.facts.greatest_end) {
            const std::int64_t wanted = target_.time.time_since_epoch().count();
            if (segment.facts.greatest_end->time < wanted) return false;
            const auto end = facts.first_end_after(segment.name, wanted, target_.exclusive);
            if (end) position_ = std::min(position_, *end);
            return end.has_value();
        }
        if (target_.kind == TargetKind::name) {
            for (const WalEvent& event : segment.facts.events) {
                if (event.kind != WalEvent::Kind::restore_point || event.text != target_.text ||
                    event.lsn < consistent_from)
                    continue;
                position_ = std::min(position_, event.lsn + 1);
                return true;
            }
        }
        return false;
    }

    /// Records that lie in the segment, as far as facts tell.
    void note_records(const WalFacts& facts) {
        if (target_.kind != TargetKind::lsn || target_.exclusive) return;
        const auto note = [&](std::uint64_t lsn) {
            if (lsn >= target_.lsn) first_record_ = std::min(first_record_, lsn);
        };
        for (const auto& moment : {facts.first_end, facts.last_end, facts.last_commit, facts.greatest_end}) {
            if (moment) note(moment->lsn);
        }
        for (const WalCheckpoint& each : facts.checkpoints) note(each.lsn);
        for (const WalEvent& each : facts.events) note(each.lsn);
        if (facts.last_record != 0) note(facts.last_record);
    }
    bool is_replayed(std::uint64_t lsn) const noexcept {
        if (target_.kind == TargetKind::lsn && !target_.exclusive)
            return lsn < target_.lsn || lsn <= first_record_;
        return lsn < position_;
    }

  private:
    const RecoveryTarget& target_;
    std::uint64_t position_;
    std::uint64_t first_record_ = UINT64_MAX;  // at the target or behind it
};

bool exists(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) return true;
    if (errno != ENOENT && errno != ENOTDIR) throw_errno(errno, "look at " + path);
    return false;
}

std::string resolved(const std::string& path) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    return error ? path : real.string();
}

/// Why replay must not have it; empty where it may.
std::string obstacle(const std::string& path) {
    if (!exists(path)) return {};
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return "it exists and is no directory";
    const std::string real = resolved(path);
    for (const std::string& used : running_servers_directories()) {
        if (server::is_below(real, used) || server::is_below(used, real))
            return "a PostgreSQL server that runs on this host uses " + used;
    }
    if (!entries_of(os::open_directory(path), DotNames::included).empty()) return "it is not empty";
    return {};
}

[[noreturn]] void refuse(const LateTablespace& late, const std::string& why) {
    throw Error(
        ErrorKind::usage,
        "recovery would create tablespace " + std::to_string(late.oid) + " at " + late.path +
            ", which is newer than the backup (LSN " + format_lsn(late.lsn) +
            (late.time != 0 ? ", " + format_micro_time(late.time) : std::string()) +
            "), and overwrite what is there: " + why,
        "restore to an earlier target, for one --target-lsn " + format_lsn(late.lsn) +
            " --exclusive; or on another host; or make a new base backup, which holds the tablespace, so "
            "that --tablespace can place it");
}

void give(const std::string& path, const server::ServerUser& user) {
    const Fd directory = os::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, path);
    const struct stat status = os::status(directory.get(), path);
    if ((status.st_uid != user.uid || status.st_gid != user.gid) &&
        ::fchown(directory.get(), user.uid, user.gid) != 0)
        throw_errno(errno, "give " + path + " to the user " + user.name, "run this as root");
    os::set_mode(directory.get(), 0700, path);
    os::sync(directory.get(), path);
}

void make_parents(const std::string& path) {
    const fs::path parent = fs::path(path).parent_path();
    std::error_code error;
    fs::create_directories(parent, error);
    if (error) throw_errno(error.value(), "make " + parent.string());
}

}  // namespace

std::vector<LateTablespace> late_tablespaces(PathFacts& facts, const archive::SurveyedBackup& backup,
                                             const archive::Reach& reach, const RecoveryTarget& target) {
    End end(target, backup, reach);
    std::vector<LateTablespace> found;
    facts.walk(backup, reach, backup.label.start_lsn, end.position(), [&](const PathFacts::Segment& segment) {
        const bool last = end.lies_in(facts, segment, backup.label.stop_lsn);
        end.note_records(segment.facts);
        for (const WalEvent& event : segment.facts.events) {
            if (event.kind != WalEvent::Kind::tablespace_created || event.text.empty()) continue;
            if (event.lsn < backup.label.start_lsn) continue;
            found.push_back({event.tablespace, event.text, event.time, event.lsn});
        }
        return !last;
    });
    std::erase_if(found, [&](const LateTablespace& late) { return !end.is_replayed(late.lsn); });
    return found;
}

namespace {

/// The data directories of servers that run on this host, as far as this user may see.
std::set<std::string> running_servers() {
    std::set<std::string> found;
    std::error_code error;
    for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code hidden;
        const fs::path data = fs::read_symlink(at->path() / "cwd", hidden);
        if (hidden || found.contains(data.string())) continue;
        if (!fs::exists(data / "postmaster.pid", hidden) || !fs::exists(data / "PG_VERSION", hidden))
            continue;
        found.insert(data.string());
    }
    return found;
}

/// Those outside the data directory: what replay makes of one that lies in it lies in the copy's own.
std::vector<std::pair<std::uint32_t, std::string>> tablespaces_of(const std::string& data) {
    std::vector<std::pair<std::uint32_t, std::string>> found;
    std::error_code hidden;
    for (fs::directory_iterator link(fs::path(data) / "pg_tblspc", hidden), none; !hidden && link != none;
         link.increment(hidden)) {
        std::error_code gone;
        if (!link->is_symlink(gone)) continue;
        found.emplace_back(
            static_cast<std::uint32_t>(std::strtoul(link->path().filename().c_str(), nullptr, 10)),
            resolved(link->path().string()));
    }
    return found;
}

}  // namespace

std::vector<std::string> running_servers_directories() {
    std::set<std::string> found;
    for (const std::string& data : running_servers()) {
        found.insert(data);
        for (auto& [oid, place] : tablespaces_of(data)) found.insert(std::move(place));
    }
    return {found.begin(), found.end()};
}

std::vector<LivingServer> living_servers(std::uint64_t system_identifier) {
    std::vector<LivingServer> found;
    for (const std::string& data : running_servers()) {
        try {
            const std::string path = data + "/global/pg_control";
            const Fd file = os::open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, path);
            std::uint64_t own = 0;  // the first field
            const auto bytes = std::as_writable_bytes(std::span(&own, 1));
            if (os::read_at(file.get(), bytes, 0, path) == sizeof own && own == system_identifier)
                found.push_back({data, tablespaces_of(data)});
        } catch (const Error&) {
            continue;  // it ended, or is not this user's
        }
    }
    return found;
}

std::pair<Mappings, Mappings> split_mappings(const Mappings& all, const BackupLabel& label,
                                             const std::vector<LateTablespace>& late) {
    std::pair<Mappings, Mappings> split;
    for (const auto& mapping : all) {
        const bool replayed = std::any_of(late.begin(), late.end(),
                                          [&](const auto& each) { return each.path == mapping.first; });
        const bool known = std::any_of(label.tablespaces.begin(), label.tablespaces.end(),
                                       [&](const auto& each) { return each.location == mapping.first; });
        if (known || !replayed) split.first.push_back(mapping);
        if (replayed) split.second.push_back(mapping);
    }
    return split;
}

LatePlaces find_late_places(const std::vector<LateTablespace>& tablespaces, const RestorePlaces& places,
                            const Mappings& mapped) {
    LatePlaces made;
    std::set<std::string> done;
    for (const LateTablespace& late : tablespaces) {
        if (!done.insert(late.path).second) continue;
        const bool own = std::any_of(places.tablespaces.begin(), places.tablespaces.end(),
                                     [&](const auto& place) { return place.second == resolved(late.path); });
        if (own) continue;
        const auto mapping = std::find_if(mapped.begin(), mapped.end(),
                                          [&](const auto& each) { return each.first == late.path; });
        if (mapping == mapped.end()) {
            if (const std::string why = obstacle(late.path); !why.empty()) refuse(late, why);
            made.directories.push_back(late.path);
            continue;
        }
        const auto restored = places.tablespaces.find(late.oid);
        if (exists(late.path)) {
            throw Error(ErrorKind::usage,
                        "--tablespace " + tablespace_option(mapping->first, mapping->second) +
                            ": replay creates this tablespace at " + late.path +
                            ", whatever its place is now, and that path exists on this host",
                        "restore to an earlier target, for one --target-lsn " + format_lsn(late.lsn) +
                            " --exclusive; or on another host; or from a newer base backup");
        }
        if (restored == places.tablespaces.end()) {
            if (!mapping->second.starts_with('/'))
                throw Error(ErrorKind::usage, "--tablespace " +
                                                  tablespace_option(mapping->first, mapping->second) +
                                                  ": the new place is not absolute");
            if (const std::string why = obstacle(mapping->second); !why.empty())
                throw Error(ErrorKind::usage, mapping->second + " cannot hold a tablespace: " + why,
                            "name an empty directory, or one that does not exist yet");
            made.directories.push_back(mapping->second);
        }
        made.links.emplace_back(late.path,
                                restored == places.tablespaces.end() ? mapping->second : restored->second);
    }
    return made;
}

void make_late_places(const LatePlaces& places, const server::ServerUser& user) {
    for (const std::string& path : places.directories) {
        make_parents(path);
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw_errno(errno, "make " + path);
        if (!entries_of(os::open_directory(path), DotNames::included).empty())
            throw Error(ErrorKind::usage, path + " is not empty any more", "is another restore under way?");
        give(path, user);
    }
    for (const auto& [path, target] : places.links) {
        make_parents(path);
        // Never over anything that is there.
        if (::symlink(target.c_str(), path.c_str()) != 0)
            throw_errno(errno, "make the link " + path + " to " + target);
    }
}

}  // namespace walferry::restore
