#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "common/ledger/push_ledger.hpp"
#include "common/os/durable_file.hpp"
#include "common/spool/room.hpp"
#include "common/spool/segment_source.hpp"
#include "common/spool_paths.hpp"

namespace walferry {

/// The ledger as the way into the spool uses it: it may answer, and it is never in the way. Implementations
/// swallow whatever goes wrong with it.
class IntakeLedger {
  public:
    virtual ~IntakeLedger() = default;
    /// A chance to open it beforehand, while something else has to be waited for.
    virtual void open() = 0;
    /// `unknown` also when the ledger could not be asked.
    virtual LedgerAnswer ask(std::uint64_t system_identifier, const WalName& name,
                             const std::string& fingerprint) = 0;
    virtual void record(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                        std::uint64_t size) = 0;
};

enum class IntakeResult {
    spooled,           // it was copied, and is on stable storage under its name
    already_spooled,   // the same content is there under its name, and on stable storage
    already_verified,  // the same content left the spool long ago: every store has it
};

/// Fills a new file from the source; returns the content's fingerprint.
using CopySegment = std::function<std::string(const SegmentSource&, DurableFile&)>;

/// What becomes of a content whose name stands for another one already, in the spool or in the ledger.
enum class SecondContent {
    keep,    // it is spooled as well, as NAME-FINGERPRINT where NAME is taken, and the drain says what it is
    refuse,  // throws conflict
};

/// The one way into a spool: durable, never replacing anything, whatever happens between two lines. Throws
/// no_space, no_spool, io, and conflict where something that is no segment has the name.
/// The source's header must have been checked. What root takes in belongs to the spool's owner, who would
/// otherwise be locked out of a folder made for it.
IntakeResult take_in(const SpoolPaths& spool, const SegmentSource& source, std::uint64_t system_identifier,
                     const RoomLimits& limits, const CopySegment& copy, IntakeLedger& ledger,
                     SecondContent second);

}  // namespace walferry
