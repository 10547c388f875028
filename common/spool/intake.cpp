#include "common/spool/intake.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "common/error.hpp"
#include "common/spool/spooled.hpp"
#include "common/spool/spooled_name.hpp"

namespace walferry {
namespace {

Directory open_part_of_spool(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd) return {std::move(fd), path};
    if (errno != ENOENT && errno != ENOTDIR)
        throw_errno(errno, "open the spool's directory " + path,
                    "it belongs to the server's user; `walferry init` corrects owners and modes");
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

[[noreturn]] void refuse_known_otherwise(const SegmentSource& source, const std::string& fingerprint) {
    throw Error(ErrorKind::conflict,
                source.path() + " was not archived: the ledger knows " + source.name().text +
                    " with other content than this one's (fingerprint " + fingerprint + ")",
                "do two servers archive under one identity? `walferry list` shows what is archived; see "
                "`walferry conflicts` and `walferry settle`");
}

[[noreturn]] void refuse_spooled_otherwise(const SegmentSource& source, const std::string& spooled) {
    throw Error(ErrorKind::conflict,
                source.path() + " was not archived: " + spooled + " has the same name and other content",
                "do two servers archive into one spool? Neither file was changed; compare them with "
                "pg_waldump before you move one away");
}

/// A content that is in the spool, or need not be there because every store has it.
struct Taken {
    IntakeResult result;
    std::string fingerprint;
};

/// One file on its way into a spool.
class Intake {
  public:
    Intake(const SegmentSource& source, std::uint64_t system_identifier, const Place& place,
           const CopySegment& copy, IntakeLedger& ledger, SecondContent second)
        : source_(source),
          system_identifier_(system_identifier),
          place_(place),
          copy_(copy),
          ledger_(ledger),
          second_(second) {}

    Taken take(const RoomLimits& limits) {
        const SpoolMatch first = match_spooled(source_, place_.cluster, source_.name().text);
        if (first.kind == SpoolMatch::Kind::same) return already_spooled(first.fingerprint);
        if (first.kind == SpoolMatch::Kind::other) {
            // A push that was killed behind its link is found here before room is asked for once more.
            const std::string fingerprint = fingerprint_of(source_);
            if (match_second(fingerprint)) return already_spooled(fingerprint);
        }
        check_room(place_.ready, source_.size(), limits);
        return copy_in();
    }

  private:
    /// A push that was killed may have linked it while the ledger could not be asked.
    Taken already_spooled(const std::string& fingerprint) {
        if (second_ == SecondContent::refuse &&
            ledger_.ask(system_identifier_, source_.name(), fingerprint) == LedgerAnswer::other_content)
            refuse_known_otherwise(source_, fingerprint);
        return {IntakeResult::already_spooled, fingerprint};
    }

    /// Whether the content waits as the second one of its name.
    bool match_second(const std::string& fingerprint) {
        if (second_ == SecondContent::refuse)
            refuse_spooled_otherwise(source_, place_.cluster.child(source_.name().text));
        const std::string entry = SpooledName{source_.name(), fingerprint}.text();
        const SpoolMatch match = match_spooled(source_, place_.cluster, entry);
        // Two contents of one fingerprint: damage in the spool.
        if (match.kind == SpoolMatch::Kind::other)
            refuse_spooled_otherwise(source_, place_.cluster.child(entry));
        return match.kind == SpoolMatch::Kind::same;
    }

    Taken copy_in() {
        const std::string& name = source_.name().text;
        DurableFile file(place_.cluster, place_.tmp, name, spool_mode::segment);
        if (place_.owner) give(file.fd(), *place_.owner, place_.cluster.child(name));
        std::string fingerprint = copy_(source_, file);
        source_.check_unchanged();
        // While the data is on its way to the disk; it is asked only when that has arrived.
        ledger_.open();
        file.sync();
        switch (ledger_.ask(system_identifier_, source_.name(), fingerprint)) {
            case LedgerAnswer::other_content:
                if (second_ == SecondContent::refuse) refuse_known_otherwise(source_, fingerprint);
                break;
            case LedgerAnswer::verified_everywhere:
                return {IntakeResult::already_verified, std::move(fingerprint)};
            case LedgerAnswer::known:
            case LedgerAnswer::unknown:
                break;
        }
        if (file.publish() == PublishResult::published) return {IntakeResult::spooled, fingerprint};
        const SpoolMatch first = match_spooled(source_, place_.cluster, name);
        if (first.kind == SpoolMatch::Kind::same) return {IntakeResult::already_spooled, fingerprint};
        if (first.kind == SpoolMatch::Kind::other) {
            if (match_second(fingerprint)) return {IntakeResult::already_spooled, fingerprint};
            if (file.publish_as(SpooledName{source_.name(), fingerprint}.text()) == PublishResult::published)
                return {IntakeResult::spooled, fingerprint};
            if (match_second(fingerprint)) return {IntakeResult::already_spooled, fingerprint};
        }
        throw Error(ErrorKind::io, place_.cluster.child(name) + " came and went while it was archived",
                    "try again; PostgreSQL does so by itself");
    }

    const SegmentSource& source_;
    const std::uint64_t system_identifier_;
    const Place& place_;
    const CopySegment& copy_;
    IntakeLedger& ledger_;
    const SecondContent second_;
};

}  // namespace

IntakeResult take_in(const SpoolPaths& spool, const SegmentSource& source, std::uint64_t system_identifier,
                     const RoomLimits& limits, const CopySegment& copy, IntakeLedger& ledger,
                     SecondContent second) {
    const Place place(spool, system_identifier);
    if (place.tmp.fd) remove_stale_tmp(place.tmp);
    const Taken taken = Intake(source, system_identifier, place, copy, ledger, second).take(limits);
    if (taken.result != IntakeResult::already_verified) {
        ledger.record(system_identifier, source.name(), taken.fingerprint, source.size());
    }
    return taken.result;
}

}  // namespace walferry
