#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "common/bytes.hpp"
#include "common/wal/open_transactions.hpp"
#include "common/wal/wal_facts.hpp"

namespace walferry {

/// Collects facts from records, one after the other. The layouts are those of PostgreSQL 15 to 18:
///   access/xlogrecord.h (XLogRecord, block headers), access/rmgrlist.h (numbers of resource managers),
///   catalog/pg_control.h (CheckPoint, XLOG_…), access/xlog_internal.h (xl_parameter_change,
///   xl_restore_point, xl_end_of_recovery), access/xact.h (xl_xact_…), catalog/storage_xlog.h
///   (xl_smgr_create), commands/dbcommands_xlog.h, commands/tablespace.h, storage/standbydefs.h
class RecordFacts {
  public:
    explicit RecordFacts(WalFacts& facts);

    /// Whether a record may hold a fact; looks at its resource manager and info byte only.
    static bool of_interest(std::uint8_t manager, std::uint8_t info) noexcept {
        return (interest_[manager] >> (info >> 4) & 1U) != 0;
    }
    /// One or more pages of a relation: all that matters is within first_of_full_page bytes.
    static bool is_full_page(std::uint8_t manager, std::uint8_t info) noexcept {
        return manager == 0 && (info & 0xF0) == 0xB0;
    }
    static constexpr std::size_t first_of_full_page = 56;
    /// A record's transaction, for every record.
    void saw(std::uint32_t xid, std::uint64_t lsn) noexcept {
        if (xid == last_xid_) return;
        last_xid_ = xid;
        if (xid != 0) saw_other(xid, lsn);
    }
    /// A whole record that is of interest, whose checksum fits; `bytes` begin with its header. What makes no
    /// sense is passed over and makes the facts incomplete.
    void record(Bytes bytes, std::uint64_t lsn);
    /// Once, behind the last record.
    void finish();

  private:
    void saw_other(std::uint32_t xid, std::uint64_t lsn) noexcept;
    void raise_next_xid(std::uint32_t xid) noexcept;
    void xlog(unsigned info, Bytes data);
    void full_page(Bytes record);
    void transaction_end(unsigned info, Bytes data);
    void storage(Bytes data);
    void database(unsigned info, Bytes data);
    void tablespace(unsigned info, Bytes data);
    void standby(unsigned info, Bytes data);
    void checkpoint(unsigned info, Bytes data);
    void parameters(Bytes data);
    void ended(std::int64_t time, bool commit);
    WalTransaction* open(std::uint32_t xid);
    void name_time(std::uint32_t xid, std::int64_t time);
    WalEvent* add_event(WalEvent::Kind kind);

    static const std::array<std::uint16_t, 256> interest_;

    WalFacts& facts_;
    OpenTransactions transactions_;
    std::multimap<std::uint32_t, std::size_t> without_time_;  // events of transactions that have not ended
    std::uint32_t last_xid_ = 0;
    std::uint32_t xid_ = 0;  // of the record at hand
    std::uint64_t lsn_ = 0;
};

}  // namespace walferry
