#include "archive-push/push.hpp"

#include "archive-push/cluster.hpp"
#include "archive-push/ledger_access.hpp"
#include "archive-push/message.hpp"
#include "archive-push/pieces.hpp"
#include "common/error.hpp"
#include "common/spool/intake.hpp"

namespace walferry::push {
namespace {

WalName name_from(const std::string& path) {
    const std::string base = path.substr(path.find_last_of('/') + 1);
    auto name = WalName::parse(base);
    if (!name) {
        throw Error(ErrorKind::usage, "\"" + path + "\" is not the path of a WAL file",
                    "PostgreSQL gives it as %p: archive_command = 'walferry-archive-push %p'");
    }
    return *std::move(name);
}

/// Fills the new file from the source, by sharing its blocks where possible; returns the fingerprint.
std::string copy(const SegmentSource& source, DurableFile& file) {
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

}  // namespace

void push(const Options& options) {
    const SpoolPaths spool(options.spool);
    const SegmentSource source(options.path, name_from(options.path),
                               "was it removed by hand? PostgreSQL needs every segment in pg_wal until it is "
                               "archived");
    const std::uint64_t system_identifier = system_identifier_of(source, options.system_identifier);
    const auto warning = source.check_header(system_identifier);
    LedgerAccess ledger(spool);
    take_in(spool, source, system_identifier,
            {options.max_spool, options.min_free,
             "nothing was dropped: the segment stays in pg_wal and PostgreSQL retries; is `walferry drain` "
             "running? `walferry status` tells"},
            copy, ledger, SecondContent::keep);

    // Only now: a failure has a line of its own, and there shall be one.
    if (warning) say(*warning);
    if (!ledger.trouble().empty()) {
        say("warning: " + source.name().text +
            " is archived in the spool, but the ledger will learn of it only at the next drain: " +
            ledger.trouble());
    }
}

}  // namespace walferry::push
