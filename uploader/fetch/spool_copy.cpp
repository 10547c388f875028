#include "uploader/fetch/spool_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "common/error.hpp"
#include "common/fingerprint.hpp"
#include "common/os.hpp"
#include "uploader/directory_entries.hpp"
#include "uploader/fetch/object_read.hpp"

namespace walferry {

bool SpoolCopy::has(std::uint64_t system_identifier, const WalName& name) const {
    return ::access(paths_.segment(system_identifier, name.text).c_str(), F_OK) == 0;
}

std::vector<WalName> SpoolCopy::waiting(std::uint64_t system_identifier) const {
    std::vector<WalName> names;
    if (const auto trouble = cannot_look(system_identifier)) throw *trouble;
    const std::string path = paths_.ready(system_identifier);
    const Directory directory{Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path};
    if (!directory.fd && errno == ENOENT) return names;
    if (!directory.fd) throw_errno(errno, "open " + path);
    for (const std::string& text : entries_of(directory)) {
        if (auto name = WalName::parse(text)) names.push_back(std::move(*name));
    }
    return names;
}

bool SpoolCopy::read(std::uint64_t system_identifier, const WalName& name, Sink& into) const {
    const std::string path = paths_.segment(system_identifier, name.text);
    const Fd file = os::open_if_exists(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, path);
    if (!file) return false;
    std::vector<std::byte> buffer(64 * 1024);
    std::uint64_t offset = 0;
    for (;;) {
        const std::size_t got = os::read_at(file.get(), buffer, offset, path);
        if (got == 0) break;
        into.write(Bytes(buffer).first(got));
        offset += got;
    }
    into.finish();
    return true;
}

/// A spool that is not there may be one whose disk is not mounted; one whose folders this user cannot read
/// may hold anything. Only the folder of a cluster that never archived may be missing.
std::optional<Error> SpoolCopy::cannot_look(std::uint64_t system_identifier) const {
    const auto trouble = [this](const std::string& path, int err) {
        return Error(err == EACCES ? ErrorKind::denied : ErrorKind::no_spool,
                     "cannot look into the spool " + paths_.root +
                         (path == paths_.root ? "" : " (" + path + ")") + ": " + std::strerror(err),
                     err == EACCES ? "let the server's user read it: it belongs to the spool's group"
                                   : "mount it, name it with --spool PATH, or, where this host has no spool, "
                                     "say so with --no-spool before %f in restore_command");
    };
    for (const std::string& path : {paths_.root, paths_.ready(), paths_.ready(system_identifier)}) {
        const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const int err = errno;
        if (!directory && err == ENOENT && path == paths_.ready(system_identifier)) return std::nullopt;
        // Of a folder this user must be able to ask for names in it as well as to list it.
        if (!directory) return trouble(path, err);
        if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0) return trouble(path, errno);
    }
    return std::nullopt;
}

bool SpoolCopy::disputed(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                         const std::function<void(const std::string&)>& say) {
    try {
        if (!ledger_tried_) {
            ledger_tried_ = true;
            ledger_ = std::make_unique<Ledger>(paths_, Ledger::Open::existing);
        }
        if (!ledger_) return false;
        const std::vector<SegmentRow> rows = ledger_->rows_of(system_identifier, name.text);
        if (rows.empty()) return false;
        const bool one = rows.size() == 1 && rows.front().fingerprint == fingerprint;
        const bool in_conflict = ledger_->in_conflict(system_identifier, name.text);
        if (one && !in_conflict) return false;
        say("the spool has " + name.text +
            (in_conflict || rows.size() > 1 ? ", but that name stands for several contents"
                                            : " with other bytes than were recorded") +
            "; asking the stores");
        return true;
    } catch (const Error& error) {
        // A broken ledger must not keep anybody from a segment that is there.
        ledger_.reset();
        say("the ledger cannot be asked about " + name.text + " in the spool: " + error.message());
        return false;
    }
}

SpoolCopy::Result SpoolCopy::fetch(std::uint64_t system_identifier, const WalName& name,
                                   const std::string& content, const std::function<Sink&()>& open,
                                   const std::function<void(const std::string&)>& say) {
    const std::string path = paths_.segment(system_identifier, name.text);
    const auto unusable = [&](ErrorKind kind, const std::string& why) {
        return Result{false, {}, Error(kind, "the spool's copy of " + name.text + " cannot be used: " + why)};
    };
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const int err = errno;
    if (!file && err == ENOENT) return {false, {}, cannot_look(system_identifier)};
    if (!file && (err == EACCES || err == ENOTDIR)) {
        if (auto trouble = cannot_look(system_identifier)) return {false, {}, std::move(trouble)};
    }
    if (!file) return unusable(err == EACCES ? ErrorKind::denied : ErrorKind::io, std::strerror(err));
    if (!S_ISREG(os::status(file.get(), path).st_mode))
        return unusable(ErrorKind::integrity, "it is no regular file");

    HeaderCheck checked(open());
    Fingerprint fingerprint;
    std::vector<std::byte> buffer(256 * 1024);
    std::uint64_t offset = 0;
    for (std::size_t got = 0;; offset += got) {
        try {
            got = os::read_at(file.get(), buffer, offset, path);
        } catch (const Error& error) {
            return unusable(error.kind(), error.message());
        }
        if (got == 0) break;
        fingerprint.update(Bytes(buffer).first(got));
        checked.write(Bytes(buffer).first(got));
    }
    try {
        checked.check(name, system_identifier);
    } catch (const Error& error) {
        return unusable(error.kind(), error.message());
    }
    if (!content.empty()) {
        if (fingerprint.digits() != content) return {};
    } else if (disputed(system_identifier, name, fingerprint.digits(), say)) {
        return {false, fingerprint.digits(), {}};
    }
    checked.finish();
    return {true, {}, {}};
}

}  // namespace walferry
