#include "common/intake.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "common/error.hpp"
#include "common/spooled.hpp"

namespace walferry {
namespace {

Directory open_part_of_spool(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd) return {std::move(fd), path};
    if (errno != ENOENT && errno != ENOTDIR)
        throw_errno(errno, "open the spool's directory " + path,
                    "it belongs to the server's user; `walferry init` mends owners and modes");
    throw Error(ErrorKind::no_spool, "there is no spool: " + path + " is not a directory",
                "`walferry init` makes one; --spool or $WALFERRY_SPOOL says where it is");
}

void give(int fd, const struct stat& owner, const std::string& shown) {
    const struct stat now = os::status(fd, shown);
    if (now.st_uid == owner.st_uid && now.st_gid == owner.st_gid) return;
    if (::fchown(fd, owner.st_uid, owner.st_gid) != 0)
        throw_errno(errno, "give " + shown + " to the spool's owner");
}

/// The spool's directories that a file passes through.
struct Place {
    Directory ready;
    Directory tmp;
    Directory cluster;
    std::optional<struct stat> owner;  // where what is made has to be given away

    Place(const SpoolPaths& spool, std::uint64_t system_identifier)
        : ready(open_part_of_spool(spool.ready())) {
        tmp = {Fd(::open(spool.tmp().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), spool.tmp()};
        cluster =
            open_or_make_directory(ready, std::to_string(system_identifier), spool_mode::shared_directory);
        if (::geteuid() != 0) return;
        owner = os::status(ready.get(), ready.path);
        give(cluster.get(), *owner, cluster.path);
        os::set_mode(cluster.get(), spool_mode::shared_directory, cluster.path);
    }
};

[[noreturn]] void refuse_other_content(const SegmentSource& source, const std::string& fingerprint) {
    throw Error(ErrorKind::conflict,
                source.path() + " was not archived: the ledger knows " + source.name().text +
                    " with other content than this one's (fingerprint " + fingerprint + ")",
                "do two servers archive under one identity? `walferry list` shows what is archived; see "
                "`walferry conflicts` and `walferry settle`");
}

/// A content that is in the spool, or need not be there because every store has it.
struct Taken {
    IntakeResult result;
    std::string fingerprint;
};

Taken copy_in(const SegmentSource& source, const Place& place, const CopySegment& copy, IntakeLedger& ledger,
              std::uint64_t system_identifier) {
    DurableFile file(place.cluster, place.tmp, source.name().text, spool_mode::segment);
    if (place.owner) give(file.fd(), *place.owner, place.cluster.child(source.name().text));
    std::string fingerprint = copy(source, file);
    source.check_unchanged();
    // While the data is on its way to the disk; it is asked only when that has arrived.
    ledger.open();
    file.sync();
    switch (ledger.ask(system_identifier, source.name(), fingerprint)) {
        case LedgerAnswer::other_content:
            refuse_other_content(source, fingerprint);
        case LedgerAnswer::verified_everywhere:
            return {IntakeResult::already_verified, std::move(fingerprint)};
        case LedgerAnswer::known:
        case LedgerAnswer::unknown:
            break;
    }
    if (file.publish() == PublishResult::published) return {IntakeResult::spooled, std::move(fingerprint)};
    if (match_spooled(source, place.cluster)) return {IntakeResult::already_spooled, std::move(fingerprint)};
    throw Error(ErrorKind::io,
                place.cluster.child(source.name().text) + " came and went while it was archived",
                "try again; PostgreSQL does so by itself");
}

}  // namespace

IntakeResult take_in(const SpoolPaths& spool, const SegmentSource& source, std::uint64_t system_identifier,
                     const RoomLimits& limits, const CopySegment& copy, IntakeLedger& ledger) {
    const Place place(spool, system_identifier);
    if (place.tmp.fd) remove_stale_tmp(place.tmp);
    Taken taken;
    if (auto fingerprint = match_spooled(source, place.cluster)) {
        // A push that was killed may have linked it while the ledger could not be asked.
        if (ledger.ask(system_identifier, source.name(), *fingerprint) == LedgerAnswer::other_content) {
            refuse_other_content(source, *fingerprint);
        }
        taken = {IntakeResult::already_spooled, std::move(*fingerprint)};
    } else {
        check_room(place.ready, source.size(), limits);
        taken = copy_in(source, place, copy, ledger, system_identifier);
    }
    if (taken.result != IntakeResult::already_verified) {
        ledger.record(system_identifier, source.name(), taken.fingerprint, source.size());
    }
    return taken.result;
}

}  // namespace walferry
