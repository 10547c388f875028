#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/error.hpp"
#include "common/settings.hpp"
#include "common/sink.hpp"
#include "common/wal_name.hpp"
#include "uploader/fetch/archive_view.hpp"
#include "uploader/fetch/spool_copy.hpp"

namespace walferry {

/// How one try to get a segment ended.
struct Attempt {
    enum class End { fetched, absent, failed };
    End end = End::failed;
    std::optional<Error> trouble;          // failed: what a person must hear of
    bool may_pass = false;                 // failed: a later attempt may end differently
    std::vector<std::string> unreachable;  // stores that did not answer
};

/// Brings segments back, with connections of its own. One thread uses it at a time.
class SegmentFetcher {
  public:
    using Say = std::function<void(const std::string&)>;  // damage and detours, a line each

    /// All must outlive it. `spool`: an empty path for none.
    SegmentFetcher(ArchiveView& view, const DecodeOptions& decoding, const std::string& spool);

    /// Timelines up to this one may have begun before there was an archive: of those, segments without a
    /// history file are no gap.
    void set_own_timeline(std::uint32_t timeline) { own_timeline_ = std::max(own_timeline_, timeline); }

    /// From the spool, else from the first store that has it sound. `open` makes the sink for each try; what
    /// it took counts only when the end is `fetched`, and it is finished then. Throws what is wrong with the
    /// sink. absent: every store answered that it has neither it nor a later WAL segment of that timeline.
    Attempt attempt(const WalName& name, bool fresh, ArchiveView::Time deadline,
                    const std::function<Sink&()>& open, const Say& say);

    /// Repeats what may pass until `deadline`, and asks a second time before it says absent: listings may
    /// lag.
    Attempt persist(const WalName& name, ArchiveView::Time deadline, const std::function<Sink&()>& open,
                    const Say& say);

  private:
    bool read_copies(const WalName& name, const Look& look, const std::string& content, Attempt& attempt,
                     const std::function<Sink&()>& open, const Say& say);
    std::string later_in_spool(const WalName& name);
    std::optional<std::string> trusted_content(const WalName& name, const Look& look, const Say& say);
    ObjectStore& connection(std::size_t index);

    ArchiveView& view_;
    const DecodeOptions& decoding_;
    std::uint32_t own_timeline_ = 1;
    std::optional<SpoolCopy> spool_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;
};

}  // namespace walferry
