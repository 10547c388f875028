#include "restore/fetch/spool_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "archive/object_read.hpp"
#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/os/os.hpp"
#include "common/spool/spooled_name.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::fetch {

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
        if (auto spooled = SpooledName::parse(text)) names.push_back(std::move(spooled->name));
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

bool SpoolCopy::open_ledger() {
    if (ledger_tried_) return ledger_ != nullptr;
    ledger_tried_ = true;
    try {
        ledger_ = std::make_unique<Ledger>(paths_, Ledger::Open::existing);
    } catch (const Error& error) {
        ledger_trouble_ = error.message();
    }
    return ledger_ != nullptr;
}

/// Those names in the folder that have a fingerprint: what push could not record is in no ledger. A spool may
/// hold a hundred thousand files, so it is looked through once.
const std::vector<SpooledName>& SpoolCopy::seconds_in_folder(std::uint64_t system_identifier) {
    const auto [found, fresh] = seconds_.try_emplace(system_identifier);
    if (!fresh) return found->second;
    const std::string path = paths_.ready(system_identifier);
    const Directory folder{Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path};
    if (!folder.fd) return found->second;  // said where the first content is looked for
    for (const std::string& text : entries_of(folder)) {
        auto spooled = SpooledName::parse(text);
        if (spooled && !spooled->fingerprint.empty()) found->second.push_back(std::move(*spooled));
    }
    return found->second;
}

/// The fingerprints of contents that wait beside the first one of that name, or after it has left. The ledger
/// tells of those that came since the folder was looked through.
std::vector<std::string> SpoolCopy::second_contents(std::uint64_t system_identifier, const WalName& name) {
    std::vector<std::string> found;
    const auto add = [&](const std::string& fingerprint) {
        const std::string entry = SpooledName{name, fingerprint}.text();
        if (std::count(found.begin(), found.end(), fingerprint) == 0 &&
            ::access(paths_.segment(system_identifier, entry).c_str(), F_OK) == 0)
            found.push_back(fingerprint);
    };
    if (::access(paths_.ready(system_identifier).c_str(), F_OK) != 0) return found;
    for (const SpooledName& spooled : seconds_in_folder(system_identifier)) {
        if (spooled.name.text == name.text) add(spooled.fingerprint);
    }
    if (!open_ledger()) return found;
    try {
        for (const SegmentRow& row : ledger_->rows_of(system_identifier, name.text)) add(row.fingerprint);
    } catch (const Error& error) {
        ledger_.reset();
        ledger_trouble_ = error.message();
    }
    return found;
}

bool SpoolCopy::disputed(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                         const Say& say) {
    // A broken ledger must not keep a recovery from a segment that is there.
    const auto cannot_ask = [&] {
        say("the ledger cannot be asked about " + name.text + " in the spool: " + ledger_trouble_);
        return false;
    };
    if (!open_ledger()) return cannot_ask();
    try {
        const std::vector<SegmentRow> rows = ledger_->rows_of(system_identifier, name.text);
        if (rows.empty()) return false;
        const bool one = rows.size() == 1 && rows.front().fingerprint == fingerprint;
        const bool in_conflict = ledger_->in_conflict(system_identifier, name.text);
        if (one && !in_conflict) return false;
        say("the spool has " + name.text +
            (in_conflict || rows.size() > 1 ? ", but that name has several contents"
                                            : " with other bytes than were recorded") +
            "; asking the stores");
        return true;
    } catch (const Error& error) {
        ledger_.reset();
        ledger_trouble_ = error.message();
        return cannot_ask();
    }
}

SpoolCopy::Copied SpoolCopy::copy(std::uint64_t system_identifier, const WalName& name,
                                  const std::string& entry, archive::HeaderCheck& into) {
    const std::string path = paths_.segment(system_identifier, entry);
    const auto unusable = [&](ErrorKind kind, const std::string& why) {
        return Copied{true, {}, Error(kind, "the spool's copy of " + entry + " cannot be used: " + why)};
    };
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const int err = errno;
    if (!file && err == ENOENT) return {false, {}, cannot_look(system_identifier)};
    if (!file && (err == EACCES || err == ENOTDIR)) {
        if (auto trouble = cannot_look(system_identifier)) return {true, {}, std::move(trouble)};
    }
    if (!file) return unusable(err == EACCES ? ErrorKind::denied : ErrorKind::io, std::strerror(err));
    if (!S_ISREG(os::status(file.get(), path).st_mode))
        return unusable(ErrorKind::integrity, "it is no regular file");
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
        into.write(Bytes(buffer).first(got));
    }
    try {
        into.check(name, system_identifier);
    } catch (const Error& error) {
        return unusable(error.kind(), error.message());
    }
    return {true, fingerprint.digits()};
}

SpoolCopy::Result SpoolCopy::fetch(std::uint64_t system_identifier, const WalName& name,
                                   const std::string& content, const std::function<Sink&()>& open,
                                   const Say& say) {
    const auto finished = [](archive::HeaderCheck& checked) {
        checked.finish();
        return Result{true, {}, {}};
    };
    if (!content.empty()) {
        for (const std::string& entry : {name.text, SpooledName{name, content}.text()}) {
            archive::HeaderCheck checked(open());
            if (copy(system_identifier, name, entry, checked).fingerprint == content)
                return finished(checked);
        }
        return {};
    }
    std::vector<std::string> contents = second_contents(system_identifier, name);
    if (::access(paths_.segment(system_identifier, name.text).c_str(), F_OK) != 0 && errno == ENOENT) {
        if (auto trouble = cannot_look(system_identifier)) return {false, {}, std::move(trouble)};
        if (!contents.empty())
            say("the spool has another content of " + name.text +
                " than was archived before; asking the stores");
        return {false, std::move(contents), {}};
    }
    archive::HeaderCheck checked(open());
    Copied first = copy(system_identifier, name, name.text, checked);
    if (!first.there || first.trouble) return {false, std::move(contents), std::move(first.trouble)};
    if (disputed(system_identifier, name, first.fingerprint, say) || !contents.empty()) {
        contents.push_back(std::move(first.fingerprint));
        return {false, std::move(contents), {}};
    }
    return finished(checked);
}

}  // namespace walferry::fetch
