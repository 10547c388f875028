#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/wal/wal_facts.hpp"
#include "restore/wal_search.hpp"

namespace walferry::restore {

/// The facts of the segments that a recovery replays, in order: from this host's ledger, else from the
/// envelopes in the stores, else out of the segments themselves.
class PathFacts {
  public:
    PathFacts(archive::ArchiveSurvey& survey, WalSearch& search, const Settings& settings);

    struct Segment {
        WalName name;
        WalFacts facts;
    };
    /// Calls `visit` for each segment from one position to another, until it returns false. A record that two
    /// segments share belongs to the first one.
    void walk(const archive::SurveyedBackup& backup, const archive::Reach& reach, std::uint64_t from,
              std::uint64_t to, const std::function<bool(const Segment&)>& visit);
    /// Of one segment, without what it shares with the next; nullopt where it cannot be read.
    std::optional<WalFacts> of(const WalName& name);
    /// Where recovery to a time stops: the first end of a transaction in that segment that is later.
    std::optional<std::uint64_t> first_end_after(const WalName& name, std::int64_t time, bool exclusive);

    /// Segments of the walks so far of which not everything is known.
    const std::vector<std::string>& unknown() const noexcept { return unknown_; }

  private:
    std::optional<WalFacts> from_segment(const WalName& name);
    std::optional<WalFacts> from_ledger(const WalName& name, std::uint64_t content);

    archive::ArchiveSurvey& survey_;
    WalSearch& search_;
    std::unique_ptr<Ledger> ledger_;
    std::vector<std::string> unknown_;
};

}  // namespace walferry::restore
