#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/archive_view.hpp"
#include "archive/beginnings.hpp"
#include "archive/trusted_content.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/sink.hpp"
#include "common/wal/wal_name.hpp"
#include "restore/fetch/later_wal.hpp"
#include "restore/fetch/recovery_way.hpp"
#include "restore/fetch/spool_copy.hpp"
#include "restore/fetch/store_race.hpp"

namespace walferry::fetch {

/// Who asks, which decides when a file may be called absent.
enum class Asker {
    recovery,        // ends at what is absent: every store has to prove it
    standby,         // asks again: one store that answers is enough
    strict_standby,  // lives on the archive alone: every store is asked
};

/// How one try to get a segment ended.
struct Attempt {
    enum class End { fetched, absent, failed };
    End end = End::failed;
    std::shared_ptr<Sink> file;            // fetched: it is finished
    std::optional<std::uint64_t> cut;      // fetched: from this position on it was made zeroes
    std::optional<Error> trouble;          // failed: what a person must hear of
    bool may_pass = false;                 // failed: a later attempt may end differently
    std::vector<std::string> unreachable;  // stores that did not answer
};

/// Where segments are looked for beside the stores, and for whom.
struct FetchContext {
    Asker asker = Asker::recovery;
    std::string spool;                 // empty for none
    const RecoveryWay* way = nullptr;  // of the data directory that the file is for; nullptr for none
    bool for_server = false;           // that recovers, and not for pg_rewind or a person
};

/// Brings segments back, with connections of its own. One thread uses it at a time.
class SegmentFetcher {
  public:
    using Say = std::function<void(const std::string&)>;  // damage and detours, a line each

    /// All must outlive it.
    SegmentFetcher(archive::ArchiveView& view, const DecodeOptions& decoding, FetchContext context);

    /// From the spool, else from the first store that has it sound. `open` makes the sink for each try, and
    /// may be called as long as this is there. Throws what is wrong with a sink. absent: as the asker needs
    /// it (docs/restoring.md), but looked for only once.
    Attempt attempt(const WalName& name, bool fresh, archive::ArchiveView::Time deadline,
                    const OpenSink& open, const Say& say);

    /// Repeats what may pass until `deadline`, and for a recovery asks a second time before it says absent:
    /// listings may lag.
    Attempt persist(const WalName& name, archive::ArchiveView::Time deadline, const OpenSink& open,
                    const Say& say);

  private:
    /// One attempt under way.
    struct Try {
        const WalName& name;
        const OpenSink& open;
        const Say& say;
        archive::ArchiveView::Time deadline;
        std::optional<std::uint64_t> cut;  // where the recovery leaves the timeline within this segment
        Attempt attempt;
    };

    void look_everywhere(Try& now, bool fresh);
    std::vector<archive::StoreAnswer> all_answers(Try& now, const archive::Look& look,
                                                  const SpoolCopy::Result& spooled) const;
    bool from_spool(Try& now, const WalName& name, const std::string& content, SpoolCopy::Result& result);
    bool from_stores(Try& now, const WalName& name, const archive::Look& look, const std::string& content);
    void fetched(Try& now, std::shared_ptr<Sink> file);
    bool note_troubles(Try& now, const archive::Look& look);
    void not_as_recorded(Try& now);
    void nowhere(Try& now, const archive::Verdict& verdict, const archive::Look& look);
    bool unfinished_end(Try& now, std::uint64_t fork);
    void from_unfinished(Try& now, const archive::Verdict& verdict, const archive::Look& look,
                         const std::vector<archive::StoreAnswer>& answers, SpoolCopy::Result& spooled);
    struct ReadBeginning {
        std::optional<archive::Beginning> beginning;
        bool may_pass = false;  // it could not be read just now
    };
    ReadBeginning beginning(Try& now, const archive::Look& look, const std::string& content,
                            SpoolCopy::Result& spooled);
    /// nullopt where one could not be read; now.attempt says why.
    std::optional<std::map<std::string, archive::Beginning>> beginnings(Try& now, const archive::Look& look,
                                                                        const std::set<std::string>& contents,
                                                                        SpoolCopy::Result& spooled);
    void deliver(Try& now, const archive::Look& look, const std::string& content, SpoolCopy::Result& spooled);
    bool one_up_to_the_fork(Try& now, const archive::Look& look,
                            const std::vector<archive::StoreAnswer>& answers, SpoolCopy::Result& spooled);
    void several(Try& now, const archive::Verdict& verdict, const archive::Look& look,
                 const std::string& own_history);
    OpenSink cut_off(const Try& now) const;
    std::string own_history(const WalName& name) const;
    std::string later_in_spool(const WalName& name) const;
    Missing missing(const WalName& name) const;
    TimelineSights other_timelines(const WalName& name, const Say& say);
    std::optional<std::vector<archive::HeldObject>> held(const archive::Look& look,
                                                         const std::string& content);
    std::optional<std::string> trusted_content(const WalName& name, const archive::Look& look,
                                               const Say& say);

    archive::ArchiveView& view_;
    const DecodeOptions& decoding_;
    const FetchContext context_;
    std::optional<SpoolCopy> spool_;
    StoreRace race_;
};

}  // namespace walferry::fetch
