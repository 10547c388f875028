#include "restore/restore_places.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/shell_word.hpp"
#include "restore/server_configuration.hpp"
#include "restore/tablespace_option.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {
namespace {

namespace fs = std::filesystem;

// For the first segments that recovery fetches.
constexpr std::uint64_t spare_segments = 4;

[[noreturn]] void refuse(const std::string& why, const std::string& hint) {
    throw Error(ErrorKind::usage, why, hint);
}

/// What of the path exists, with its links resolved, and the rest by its letters.
std::string resolved(const std::string& path) {
    std::error_code error;
    const fs::path absolute = fs::absolute(path, error);
    const fs::path real = fs::weakly_canonical(absolute, error);
    if (error) refuse("cannot use " + path + ": " + error.message(), "");
    std::string text = real.string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    return text;
}

std::string existing_ancestor(std::string path) {
    struct stat status {};
    while (::stat(path.c_str(), &status) != 0 && path != "/") path = fs::path(path).parent_path().string();
    return path;
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

void check_not_in_data_directory(const std::string& path) {
    for (std::string above = existing_ancestor(path);; above = fs::path(above).parent_path().string()) {
        if (exists(above + "/PG_VERSION"))
            refuse(path + " lies in a PostgreSQL directory, " + above, "name a place outside of it");
        if (above == "/" || above.empty()) return;
    }
}

std::optional<std::string> why_not_empty(const std::string& path) {
    if (!exists(path)) return std::nullopt;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) throw_errno(errno, "look at " + path);
    if (!S_ISDIR(status.st_mode)) return path + " exists and is no directory";
    const auto names = entries_of(os::open_directory(path), DotNames::included);
    if (names.empty()) return std::nullopt;
    if (std::find(names.begin(), names.end(), incomplete_marker) != names.end()) {
        return path + " holds a restore that did not end, or is under way (see " + path + "/" +
               incomplete_marker + ")";
    }
    if (names.size() == 1 && names.front() == "lost+found") return path + " is a filesystem's top";
    return path + " is not empty";
}

void check_place(const std::string& path) {
    if (path == "/") refuse("nothing is restored into /", "name a directory of its own");
    check_not_in_data_directory(path);
    // Never how to remove it: it may be the database that is to be saved.
    if (const auto reason = why_not_empty(path)) {
        refuse(*reason, reason->ends_with("top") ? "name a directory inside it"
                        : reason->ends_with("incomplete)")
                            ? "that file says how to remove it"
                            : "name another one, or move it away: mv " + shell_word(path) + " " +
                                  shell_word(path + ".old"));
    }
}

std::string place_of_tablespace(const BackupLabel::Tablespace& tablespace,
                                const std::vector<std::pair<std::string, std::string>>& mapped) {
    const auto found = std::find_if(mapped.begin(), mapped.end(), [&](const auto& mapping) {
        return mapping.first == tablespace.location;
    });
    if (found != mapped.end()) {
        if (!found->second.starts_with('/'))
            refuse("--tablespace " + tablespace_option(found->first, found->second) +
                       ": the new place is not absolute",
                   "");
        const std::string path = resolved(found->second);
        check_place(path);
        return path;
    }
    const std::string path = resolved(tablespace.location);
    try {
        check_place(path);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::usage) throw;
        refuse("tablespace " + std::to_string(tablespace.oid) + " (" + tablespace.name +
                   ") cannot go back to " + tablespace.location + ": " + error.message(),
               "say where it is to go: --tablespace " + shell_word(escaped_place(tablespace.location)) +
                   "=/NEW/PLACE");
    }
    return path;
}

void check_apart(const RestorePlaces& places) {
    std::vector<std::string> paths{places.data_directory};
    for (const auto& [oid, path] : places.tablespaces) paths.push_back(path);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        for (std::size_t j = 0; j < paths.size(); ++j) {
            if (i != j && server::is_below(paths[i], paths[j]))
                refuse(paths[i] + " lies in " + paths[j] + ", where something else is restored",
                       "name places beside each other, with --tablespace OLD=NEW");
        }
    }
}

}  // namespace

RestorePlaces find_places(const BackupLabel& label, const std::string& to,
                          const std::vector<std::pair<std::string, std::string>>& mapped) {
    RestorePlaces places;
    places.data_directory = resolved(to);
    check_place(places.data_directory);
    for (const auto& [old_place, new_place] : mapped) {
        if (std::none_of(label.tablespaces.begin(), label.tablespaces.end(),
                         [&wanted = old_place](const auto& each) { return each.location == wanted; }))
            refuse("--tablespace " + tablespace_option(old_place, new_place) +
                       ": the backup has no tablespace in " + old_place,
                   "`walferry backups --json` names them; an = that is part of a path is written \\=");
    }
    for (const BackupLabel::Tablespace& tablespace : label.tablespaces) {
        if (tablespace.in_place()) continue;  // it goes where the data directory goes
        places.tablespaces.emplace(tablespace.oid, place_of_tablespace(tablespace, mapped));
    }
    check_apart(places);
    return places;
}

void check_reachable(const RestorePlaces& places, const server::ServerUser& user) {
    const server::ActingAs acting(user);
    std::vector<std::string> paths{places.data_directory};
    for (const auto& [oid, path] : places.tablespaces) paths.push_back(path);
    for (const std::string& path : paths) {
        const std::string above = existing_ancestor(fs::path(path).parent_path().string());
        if (::faccessat(AT_FDCWD, above.c_str(), X_OK, AT_EACCESS) != 0)
            refuse(
                "the server's user " + user.name + " cannot come to " + path + ": it may not enter " + above,
                "name a place that it can reach, or chmod +x what lies above");
    }
}

void check_room(const RestorePlaces& places, const BackupLabel& label) {
    struct Disk {
        std::string path;
        std::uint64_t needed = 0;
    };
    std::map<dev_t, Disk> disks;
    const auto add = [&](const std::string& place, std::uint64_t bytes) {
        const std::string path = existing_ancestor(place);
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) throw_errno(errno, "look at " + path);
        Disk& disk = disks[status.st_dev];
        disk.path = place;
        disk.needed += bytes;
    };
    std::uint64_t base = label.segment_size * spare_segments;
    for (const BackupLabel::Stream& stream : label.streams) {
        const bool elsewhere = std::any_of(
            places.tablespaces.begin(), places.tablespaces.end(),
            [&wanted = stream.name](const auto& place) { return std::to_string(place.first) == wanted; });
        if (!elsewhere) base += stream.size;
    }
    add(places.data_directory, base);
    for (const auto& [oid, path] : places.tablespaces) add(path, label.stream(std::to_string(oid))->size);
    for (const auto& [device, disk] : disks) {
        struct statvfs room {};
        if (::statvfs(existing_ancestor(disk.path).c_str(), &room) != 0)
            throw_errno(errno, "ask for the room below " + disk.path);
        const std::uint64_t available = std::uint64_t{room.f_bavail} * room.f_frsize;
        if (available < disk.needed) {
            throw Error(ErrorKind::no_space,
                        "the backup needs " + format_bytes(disk.needed) + " below " + disk.path + ", where " +
                            format_bytes(available) + " are free",
                        "make room, or restore to another disk; nothing was written");
        }
    }
}

Directory make_place(const std::string& path, const server::ServerUser& user,
                     const std::string& marker_text) {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (error) throw_errno(error.value(), "make " + fs::path(path).parent_path().string());
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw_errno(errno, "make " + path);
    Directory made{os::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, path), path};
    // What is not empty is another's, and keeps its owner and its mode.
    if (!entries_of(made, DotNames::included).empty())
        refuse(path + " is not empty any more", "is another restore under way?");
    const struct stat status = os::status(made.get(), path);
    if ((status.st_uid != user.uid || status.st_gid != user.gid) &&
        ::fchown(made.get(), user.uid, user.gid) != 0)
        throw_errno(errno, "give " + path + " to the user " + user.name,
                    "run this as root, or as the owner of that directory");
    os::set_mode(made.get(), 0700, path);
    const Fd marker = os::open_at(made.get(), incomplete_marker, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                                  0600, made.child(incomplete_marker));
    if (!user.is_caller() && ::fchown(marker.get(), user.uid, user.gid) != 0)
        throw_errno(errno, "give " + made.child(incomplete_marker) + " its owner");
    os::write_at(marker.get(), as_bytes(marker_text), 0, made.child(incomplete_marker));
    os::sync(marker.get(), made.child(incomplete_marker));
    os::sync(made);
    return made;
}

}  // namespace walferry::restore
