#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "common/wal/wal_facts.hpp"

namespace walferry {

/// The transactions that a walk over records has met: where each began, and what those that have not ended
/// locked and created.
class OpenTransactions {
  public:
    /// Those that an earlier walk left open.
    explicit OpenTransactions(std::vector<WalTransaction> known);

    /// Of each record. False where that transaction was seen before.
    bool saw(std::uint32_t xid, std::uint64_t lsn) noexcept;
    /// The first record of a transaction that was seen, or this place.
    std::uint64_t first_record(std::uint32_t xid, std::uint64_t lsn) const noexcept;
    /// An open one, which is added where it is missing; nullptr where there are too many.
    WalTransaction* open(std::uint32_t xid, std::uint64_t lsn);
    /// One that ends, with its subtransactions.
    WalTransaction take(std::uint32_t xid, const std::vector<std::uint32_t>& subtransactions,
                        std::uint64_t lsn);
    bool empty() const noexcept { return open_.empty(); }
    /// Those that have not ended.
    std::vector<WalTransaction> rest();

  private:
    struct Seen {
        std::uint32_t xid = 0;
        std::uint64_t lsn = 0;
    };

    std::map<std::uint32_t, WalTransaction> open_;
    std::array<Seen, 1024> seen_{};
};

/// Once each, and at most most_of_a_transaction.
void add_file(std::vector<std::uint32_t>& files, std::uint32_t file);
void add_lock(WalTransaction& transaction, const WalLock& lock);

}  // namespace walferry
