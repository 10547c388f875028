#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/bytes.hpp"
#include "common/wal/record_data.hpp"
#include "common/wal/record_facts.hpp"
#include "common/wal/wal_facts.hpp"

namespace walferry {

/// Reads facts from a segment's bytes as they pass by, in pieces of any size. Never throws for what the bytes
/// say, never reads outside of them, and does work in proportion to their number: pages that contradict each
/// other end the reading, and the facts say that they are not complete. A record from which a fact comes is
/// compared with its checksum; of others only that they follow one another, because the checksums of all
/// bytes would cost more than all the rest (docs/benchmarks.md).
///
/// Pages: access/xlog_internal.h, XLogPageHeaderData and XLogLongPageHeaderData. magic u16@0, info u16@2,
/// timeline u32@4, address u64@8, length of the rest of a record u32@16; the long header goes on with segment
/// size u32@32 and block size u32@36. Records begin at multiples of 8: length u32@0, xid u32@4, the record
/// before u64@8, info u8@16, resource manager u8@17.
class FactsReader {
  public:
    FactsReader();
    void write(Bytes bytes);
    /// nullopt for what is no WAL segment of a version that is known.
    std::optional<WalFacts> finish();
    /// Up to where the records lead, before finish(): the end of the last whole one, or of the last page that
    /// a longer one goes on through. 0 where nothing was read.
    std::uint64_t reached() const noexcept { return reached_; }

  private:
    enum class State { header, pages, ended, not_wal };

    bool begin(Bytes start);
    void page(Bytes page);
    void records(Bytes page, std::size_t at, std::uint64_t address);
    void record(Bytes bytes, std::uint64_t lsn);
    void begin_cut(Bytes bytes, std::uint64_t lsn, std::uint32_t length);
    void go_on(Bytes bytes);
    void damaged();

    WalFacts facts_;
    std::unique_ptr<RecordFacts> collected_;
    State state_ = State::header;
    std::vector<std::byte> held_;  // of a page that is not here whole
    std::size_t block_size_ = 0;
    std::uint16_t magic_ = 0;
    std::uint64_t expected_ = 0;  // the next page's address
    std::uint64_t end_ = 0;       // of the segment
    std::uint64_t reached_ = 0;
    std::uint64_t previous_ = 0;  // where the record before begins; 0: not known

    // A record that goes on behind the page.
    enum class Cut { none, head, kept, passed_over };
    Cut cut_ = Cut::none;
    std::uint64_t cut_lsn_ = 0;
    RecordChecksum checksum_;  // Cut::kept
    std::uint64_t length_ = 0, had_ = 0;
    std::vector<std::byte> record_;
};

}  // namespace walferry
