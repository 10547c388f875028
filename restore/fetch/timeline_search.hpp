#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/codec/segment_codec.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/wal_name.hpp"
#include "restore/fetch/later_wal.hpp"
#include "restore/fetch/spool_copy.hpp"

namespace walferry::fetch {

/// Looks at the timelines above a missing file's own for what may lead on from there. Everything throws where
/// not all of it can be seen.
class TimelineSearch {
  public:
    TimelineSearch(const WalName& missing, std::uint64_t system_identifier, const DecodeOptions& decoding)
        : missing_(missing), sysid_(system_identifier), decoding_(decoding) {}

    void look_into(ObjectStore& store, const ObjectKeys& keys);
    void look_into(const SpoolCopy& spool);
    void add(const TimelineHistory& history) { sights_[history.timeline].histories.push_back(history); }

    /// Histories that no store has sound are unusable from now on.
    TimelineSights finish();

  private:
    void note_first(std::uint32_t timeline, const std::string& name);
    void read_history(ObjectStore& store, const ObjectKeys& keys, const ObjectName& object);

    const WalName& missing_;
    const std::uint64_t sysid_;
    const DecodeOptions& decoding_;
    TimelineSights sights_;
    std::map<std::pair<std::uint32_t, std::string>, bool> contents_;  // of histories: whether one was read
};

}  // namespace walferry::fetch
