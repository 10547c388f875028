#pragma once
#include <cstdint>
#include <vector>

#include "common/clock.hpp"
#include "common/codec/backup_label.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/fingerprint.hpp"
#include "transfer/memory_budget.hpp"

namespace walferry::backup {

/// A piece while it is cut from its stream: it grows to backup_piece_size, then it is read once, and its
/// memory goes to what is made of it.
class RawPiece {
  public:
    RawPiece(transfer::MemoryBudget& budget, transfer::MemoryBudget::Share share, std::size_t stream,
             BackupPart part)
        : share_(std::move(share)), pool_(budget.pool()), stream_(stream), part_(std::move(part)) {}
    ~RawPiece();
    RawPiece(const RawPiece&) = delete;
    RawPiece& operator=(const RawPiece&) = delete;

    /// Takes as much as fits; returns what did not.
    Bytes append(Bytes bytes);
    void cut() { cut_at_ = wall_now(); }

    /// Fills `out` with what comes next and lets go of it; 0 at the end.
    std::size_t read(MutableBytes out);

    /// For what is made of it.
    transfer::MemoryBudget::Share take_share() noexcept { return std::move(share_); }

    bool full() const noexcept { return size_ == backup_piece_size; }
    std::uint64_t size() const noexcept { return size_; }
    std::size_t stream() const noexcept { return stream_; }
    const BackupPart& part() const noexcept { return part_; }
    std::string fingerprint() const { return fingerprint_.digits(); }
    WallTime cut_at() const noexcept { return cut_at_; }

  private:
    transfer::MemoryBudget::Share share_;
    BlockPool& pool_;
    const std::size_t stream_;  // which one of the backup's
    const BackupPart part_;
    std::vector<BlockPool::Block> blocks_;
    std::uint64_t size_ = 0;
    std::uint64_t read_ = 0;
    Fingerprint fingerprint_;
    WallTime cut_at_{};
};

}  // namespace walferry::backup
