#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "archive/archive_survey.hpp"
#include "common/wal/wal_records.hpp"
#include "restore/recovery_target.hpp"

namespace walferry::restore {

/// Looks into the archive's WAL for what recovery will meet, where the listings cannot tell. Reads whole
/// segments, so each question is bounded. nullopt: not known, because a segment cannot be read or there are
/// too many.
class WalSearch {
  public:
    WalSearch(archive::ArchiveSurvey& survey, const Settings& settings,
              std::function<void(const std::string&)> show, std::stop_token stop);

    struct End {
        bool later_transaction = false;      // one that ended after the wanted time is in the WAL
        std::uint64_t last_record = 0;       // where the last whole record begins
        std::optional<MicroTime> last_time;  // the last end of a transaction that was seen
    };
    /// Whether recovery to `wanted` meets a transaction by which it knows that it is there. Segments that
    /// came into the spool before `wanted` cannot hold one.
    std::optional<End> end_behind(const archive::SurveyedBackup& backup, const archive::Reach& reach,
                                  MicroTime wanted, bool exclusive);

    /// Whether the transaction may have ended behind the backup: false where it had ended before the backup
    /// began or became consistent.
    std::optional<bool> ends_behind(const archive::SurveyedBackup& backup, const archive::Reach& reach,
                                    std::uint32_t xid);

    /// The names of the segments from one position to the end of another's segment, as recovery takes them.
    std::optional<std::vector<WalName>> segments(const archive::SurveyedBackup& backup,
                                                 const archive::Reach& reach, std::uint64_t from,
                                                 std::uint64_t to) const;
    std::optional<std::vector<std::byte>> read(const WalName& name);

  private:
    std::optional<std::vector<std::byte>> read_spooled(const WalName& name) const;
    /// False where a segment cannot be read. `visit` returns false to end the walk.
    bool walk(const std::vector<WalName>& names, const std::function<bool(const WalRecord&)>& visit);

    archive::ArchiveSurvey& survey_;
    const Settings& settings_;
    const DecodeOptions decoding_;
    const std::function<void(const std::string&)> show_;
    const std::stop_token stop_;
};

}  // namespace walferry::restore
