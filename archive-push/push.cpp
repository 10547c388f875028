#include "archive-push/push.hpp"

#include <cerrno>

#include "archive-push/ledger_access.hpp"
#include "archive-push/message.hpp"
#include "archive-push/pieces.hpp"
#include "archive-push/room.hpp"
#include "archive-push/source.hpp"
#include "archive-push/spooled.hpp"
#include "common/durable_file.hpp"
#include "common/error.hpp"
#include "common/fingerprint.hpp"
#include "common/spool.hpp"

namespace walferry::push {
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

/// The spool's directories that a file passes through.
struct Place {
    Directory ready;
    Directory tmp;
    Directory cluster;

    Place(const SpoolPaths& spool, std::uint64_t system_identifier)
        : ready(open_part_of_spool(spool.ready())) {
        tmp = {Fd(::open(spool.tmp().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), spool.tmp()};
        cluster =
            open_or_make_directory(ready, std::to_string(system_identifier), spool_mode::shared_directory);
    }
};

/// Fills the new file from the source, by sharing its blocks where possible; returns the fingerprint.
std::string copy(const Source& source, DurableFile& file) {
    const bool cloned = file.clone_from(source.fd());
    if (!cloned) file.reserve(source.size());
    // After cloning, too, the source is looked at: its pages are still in memory.
    Pieces pieces(source);
    Fingerprint fingerprint;
    for (Bytes piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
        pieces.fingerprint(piece, fingerprint);
        if (!cloned) file.write(piece);
    }
    return fingerprint.digits();
}

[[noreturn]] void refuse_other_content(const Source& source, const std::string& fingerprint) {
    throw Error(ErrorKind::conflict,
                source.path() + " was not archived: the ledger knows " + source.name().text +
                    " with other content than this one's (fingerprint " + fingerprint + ")",
                "do two servers archive under one identity? `walferry list` shows what is archived; see "
                "`walferry conflicts` and `walferry settle`");
}

/// Returns the fingerprint of what is now in the spool; nullopt when it need not be there, because every
/// store has it.
std::optional<std::string> spool_copy(const Source& source, const Place& place, LedgerAccess& ledger,
                                      std::uint64_t system_identifier) {
    DurableFile file(place.cluster, place.tmp, source.name().text, spool_mode::segment);
    const std::string fingerprint = copy(source, file);
    source.check_unchanged();
    // While the data is on its way to the disk; it is asked only when that has arrived.
    ledger.open();
    file.sync();
    switch (ledger.ask(system_identifier, source.name(), fingerprint)) {
        case LedgerAnswer::other_content:
            refuse_other_content(source, fingerprint);
        case LedgerAnswer::verified_everywhere:
            return std::nullopt;
        case LedgerAnswer::known:
        case LedgerAnswer::unknown:
            break;
    }
    if (file.publish() == PublishResult::published) return fingerprint;
    if (match_spooled(source, place.cluster)) return fingerprint;
    throw Error(ErrorKind::io,
                place.cluster.child(source.name().text) + " came and went while it was archived",
                "PostgreSQL will retry");
}

}  // namespace

void push(const Options& options) {
    const SpoolPaths spool(options.spool);
    const Source source(options.path);
    const std::uint64_t system_identifier = system_identifier_of(source, options.system_identifier);
    const auto warning = source.check_header(system_identifier);
    const Place place(spool, system_identifier);
    if (place.tmp.fd) remove_stale_tmp(place.tmp);

    LedgerAccess ledger(spool);
    std::optional<std::string> fingerprint = match_spooled(source, place.cluster);
    if (fingerprint) {
        // A push that was killed may have linked it while the ledger could not be asked.
        if (ledger.ask(system_identifier, source.name(), *fingerprint) == LedgerAnswer::other_content) {
            refuse_other_content(source, *fingerprint);
        }
    } else {
        check_room(place.ready, source.size(), {options.max_spool, options.min_free});
        fingerprint = spool_copy(source, place, ledger, system_identifier);
    }
    if (fingerprint) ledger.record(system_identifier, source.name(), *fingerprint, source.size());

    // Only now: a failure has a line of its own, and there shall be one.
    if (warning) say(*warning);
    if (!ledger.trouble().empty()) {
        say("warning: " + source.name().text +
            " is archived in the spool, but the ledger will learn of it only at the next drain: " +
            ledger.trouble());
    }
}

}  // namespace walferry::push
