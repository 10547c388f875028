#include "uploader/import/legacy_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <tuple>

#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/spool/segment_source.hpp"

namespace walferry::importing {
namespace {

std::string resolved(const std::string& path) {
    char buffer[PATH_MAX];
    if (::realpath(path.c_str(), buffer) == nullptr) throw_errno(errno, "find " + path);
    return buffer;
}

void refuse_the_wrong_one(const std::string& path, const SpoolPaths& spool) {
    const std::string real = resolved(path);
    const std::string own = resolved(spool.root);
    if (real == own || real.starts_with(own + "/")) {
        throw Error(ErrorKind::usage, path + " is the spool itself", "what is in there waits for the drain");
    }
    // pg_wal has it from initdb on, and no archive has.
    if (::access((real + "/archive_status").c_str(), F_OK) == 0) {
        throw Error(
            ErrorKind::usage,
            path + " is a server's pg_wal: its files are PostgreSQL's own, and importing removes them",
            "give the directory that the old archive_command copied to");
    }
}

}  // namespace

LegacyDirectory open_legacy_directory(const std::string& path, const SpoolPaths& spool, bool keep) {
    refuse_the_wrong_one(path, spool);
    LegacyDirectory legacy;
    legacy.directory = os::open_directory(path);
    if (!keep && ::faccessat(legacy.directory.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
        throw_errno(errno, "remove anything from " + path,
                    "run this as root or as the directory's owner; --keep leaves the files where they are");
    }
    for (std::string& text : entries_of(legacy.directory)) {
        if (auto name = WalName::parse(text)) {
            legacy.names.push_back(std::move(*name));
        } else {
            legacy.others.push_back(std::move(text));
        }
    }
    std::sort(legacy.names.begin(), legacy.names.end(), [](const WalName& a, const WalName& b) {
        return std::tuple(a.kind != WalKind::history, a.text) <
               std::tuple(b.kind != WalKind::history, b.text);
    });
    std::sort(legacy.others.begin(), legacy.others.end());
    return legacy;
}

std::optional<std::string> foreign_hand(const struct stat& status, uid_t owner) {
    if (status.st_uid != owner && status.st_uid != 0)
        return "belongs to the user with the id " + std::to_string(status.st_uid);
    if ((status.st_mode & 022) == 0) return std::nullopt;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return "has mode " + std::string(text.data()) + ", so that others can write it";
}

std::optional<std::uint64_t> only_cluster_in(const LegacyDirectory& legacy, std::optional<uid_t> owner) {
    std::set<std::uint64_t> found;
    for (const WalName& name : legacy.names) {
        if (!name.has_header()) continue;
        try {
            const SegmentSource source(legacy.directory.child(name.text), name);
            if (owner && foreign_hand(source.opened(), *owner)) continue;
            const auto header = source.header();
            if (!disagreement(*header, name, source.size(), header->system_identifier))
                found.insert(header->system_identifier);
        } catch (const Error&) {
            // Said when its own turn comes.
        }
        if (found.size() > 1) return std::nullopt;
    }
    return found.empty() ? std::nullopt : std::optional(*found.begin());
}

}  // namespace walferry::importing
