#include "common/wal/wal_facts.hpp"

#include <algorithm>
#include <utility>

#include "common/wal/record_data.hpp"
#include "common/wal/record_facts.hpp"

namespace walferry {
namespace {

bool holds(const std::vector<std::uint32_t>& numbers, std::uint32_t value) {
    return std::find(numbers.begin(), numbers.end(), value) != numbers.end();
}

/// Several contents of one segment may be at hand, and one may end in the middle of a long record.
bool fit(const WalTail& tail, const WalHead& head) {
    return head.bytes.size() == head.length && tail.bytes.size() < tail.length &&
           tail.length - tail.bytes.size() == head.length;
}

}  // namespace

bool join_facts(WalFacts& before, WalFacts& after) {
    if (!before.tail || !after.head || !fit(*before.tail, *after.head)) return false;
    std::vector<std::byte> record = before.tail->bytes;
    record.insert(record.end(), after.head->bytes.begin(), after.head->bytes.end());
    if (!checksum_fits(record)) return false;
    const WalTail tail = *std::exchange(before.tail, std::nullopt);
    after.head.reset();
    before.last_record = tail.lsn;
    const auto info = std::to_integer<std::uint8_t>(record[16]);
    const auto manager = std::to_integer<std::uint8_t>(record[17]);
    RecordFacts facts(before);
    if (RecordFacts::of_interest(manager, info)) facts.record(record, tail.lsn);
    facts.finish();
    return true;
}

void add_earlier(WalEvent& event, const WalFacts& earlier) {
    WalTransaction& all = event.transaction;
    for (const WalTransaction& part : earlier.open) {
        if (part.xid != event.xid && !holds(event.subtransactions, part.xid)) continue;
        all.first_lsn = all.first_lsn == 0 ? part.first_lsn : std::min(all.first_lsn, part.first_lsn);
        all.created_count += part.created_count;
        for (const WalLock& lock : part.locks) {
            const bool known = std::any_of(all.locks.begin(), all.locks.end(), [&](const WalLock& other) {
                return other.relation == lock.relation;
            });
            if (known) continue;
            ++all.lock_count;
            all.locks.push_back(lock);
        }
        for (const std::uint32_t file : part.created) {
            if (!holds(all.created, file)) all.created.push_back(file);
            // It made that file itself, so nothing that was there before was removed with it.
            const auto own = std::find(event.removed.begin(), event.removed.end(), file);
            if (own == event.removed.end()) continue;
            event.removed.erase(own);
            --event.removed_count;
            std::erase(all.created, file);
            --all.created_count;
        }
        for (const std::uint32_t file : part.filled) {
            if (!holds(all.filled, file)) all.filled.push_back(file);
        }
    }
}

/// A DROP makes no file. TRUNCATE gives every relation a new file and leaves the table's empty; REINDEX fills
/// each file that it makes. VACUUM FULL, CLUSTER, REFRESH and an ALTER TABLE that rewrites lock a new
/// relation whose number its file bears, as a transaction does that drops one table and makes another table
/// or an index: what may be that is never taken for a mere replacement. Only where each file that went has
/// one in its place, and none of those is a new relation's, nothing was lost.
Removal removal_of(const WalEvent& event) {
    const WalTransaction& did = event.transaction;
    if (event.removed_count == 0) return Removal::replaced;
    // DROP INDEX CONCURRENTLY and REINDEX CONCURRENTLY end like this, with locks that are not logged.
    if (did.lock_count == 0) return Removal::unknown;
    if (did.created_count == 0) return Removal::dropped;
    if (did.created.size() < did.created_count || did.locks.size() < did.lock_count) return Removal::unknown;
    const bool has_new_relation = std::any_of(did.locks.begin(), did.locks.end(), [&](const WalLock& lock) {
        return holds(did.created, lock.relation);
    });
    if (has_new_relation || did.created_count != event.removed_count) return Removal::unknown;
    const bool all_filled = std::all_of(did.created.begin(), did.created.end(),
                                        [&](std::uint32_t file) { return holds(did.filled, file); });
    return all_filled ? Removal::replaced : Removal::truncated;
}

}  // namespace walferry
