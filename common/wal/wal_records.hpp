#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/bytes.hpp"

namespace walferry {

/// What of a WAL record tells where recovery may end.
struct WalRecord {
    enum class Kind { transaction_end, restore_point, running_transactions, other };

    Kind kind = Kind::other;
    std::uint64_t lsn = 0;         // where it begins
    std::uint32_t xid = 0;         // of a transaction_end; 0 for one that was prepared earlier
    std::int64_t time = 0;         // transaction_end, restore_point: microseconds since 2000-01-01 UTC
    std::string name;              // restore_point
    std::uint32_t oldest_xid = 0;  // running_transactions: every older one has ended
};

/// Walks the records of WAL segments (PostgreSQL 14 to 18: access/xlogrecord.h, xact.h, standbydefs.h). Bytes
/// are taken as they come out of an archive, which has compared their hashes; what does not look like WAL
/// ends the walk.
class WalRecords {
  public:
    /// Called for each record that is there whole, in order.
    using Visit = std::function<void(const WalRecord&)>;
    explicit WalRecords(Visit visit) : visit_(std::move(visit)) {}

    /// The segment behind the last one, or the first one, whose beginning may belong to a record before it.
    /// False where it cannot be read: an unknown version, or a contradiction.
    bool segment(Bytes bytes);

  private:
    bool page(Bytes page);
    void begin_record(Bytes bytes, std::uint64_t lsn, std::uint32_t length);
    void add(Bytes bytes);
    void end_record();

    Visit visit_;
    bool first_ = true;
    bool skipping_ = false;          // the rest of a record whose beginning is not here
    std::vector<std::byte> record_;  // the beginning of one that goes on
    std::uint64_t lsn_ = 0;
    std::uint64_t length_ = 0, had_ = 0;
};

}  // namespace walferry
