#include "common/wal/open_transactions.hpp"

#include <algorithm>
#include <utility>

namespace walferry {
namespace {

constexpr std::size_t most_open = 1024;

}  // namespace

void add_file(std::vector<std::uint32_t>& files, std::uint32_t file) {
    if (files.size() < most_of_a_transaction && std::find(files.begin(), files.end(), file) == files.end())
        files.push_back(file);
}

void add_lock(WalTransaction& transaction, const WalLock& lock) {
    // What is held is logged once more with every snapshot of the running transactions.
    const bool known = std::any_of(transaction.locks.begin(), transaction.locks.end(),
                                   [&](const WalLock& other) { return other.relation == lock.relation; });
    if (known) return;
    ++transaction.lock_count;
    if (transaction.locks.size() < most_of_a_transaction) transaction.locks.push_back(lock);
}

OpenTransactions::OpenTransactions(std::vector<WalTransaction> known) {
    for (WalTransaction& transaction : known) {
        const std::uint32_t xid = transaction.xid;
        open_.emplace(xid, std::move(transaction));
    }
}

bool OpenTransactions::saw(std::uint32_t xid, std::uint64_t lsn) noexcept {
    Seen& seen = seen_[xid % seen_.size()];
    if (seen.xid == xid) return false;
    seen = {xid, lsn};
    return true;
}

std::uint64_t OpenTransactions::first_record(std::uint32_t xid, std::uint64_t lsn) const noexcept {
    const Seen& seen = seen_[xid % seen_.size()];
    return seen.xid == xid ? seen.lsn : lsn;
}

WalTransaction* OpenTransactions::open(std::uint32_t xid, std::uint64_t lsn) {
    const auto known = open_.find(xid);
    if (known != open_.end()) return &known->second;
    if (open_.size() >= most_open) return nullptr;
    WalTransaction& added = open_[xid];
    added.xid = xid;
    added.first_lsn = first_record(xid, lsn);
    return &added;
}

WalTransaction OpenTransactions::take(std::uint32_t xid, const std::vector<std::uint32_t>& subtransactions,
                                      std::uint64_t lsn) {
    WalTransaction all;
    all.xid = xid;
    all.first_lsn = first_record(xid, lsn);
    const auto add = [&](std::uint32_t number) {
        const auto known = open_.find(number);
        if (known == open_.end()) return;
        WalTransaction& part = known->second;
        all.first_lsn = std::min(all.first_lsn, part.first_lsn);
        all.lock_count += part.lock_count;
        all.created_count += part.created_count;
        for (const WalLock& lock : part.locks) {
            if (all.locks.size() < most_of_a_transaction) all.locks.push_back(lock);
        }
        for (const std::uint32_t file : part.created) add_file(all.created, file);
        for (const std::uint32_t file : part.filled) add_file(all.filled, file);
        open_.erase(known);
    };
    add(xid);
    for (const std::uint32_t number : subtransactions) add(number);
    return all;
}

std::vector<WalTransaction> OpenTransactions::rest() {
    std::vector<WalTransaction> rest;
    for (auto& [xid, transaction] : open_) rest.push_back(std::move(transaction));
    open_.clear();
    return rest;
}

}  // namespace walferry
