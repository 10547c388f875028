#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.hpp"
#include "common/codec/backup_label.hpp"
#include "common/store/object_buffer.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/fingerprint.hpp"
#include "transfer/memory_budget.hpp"

namespace walferry::backup {

/// A piece while it is cut from its stream: it grows to backup_piece_size, then it is read once, and its
/// memory goes to what is made of it.
class RawPiece {
  public:
    RawPiece(BlockPool& pool, std::size_t stream, BackupPart part)
        : pool_(pool), stream_(stream), part_(std::move(part)) {}
    ~RawPiece();
    RawPiece(const RawPiece&) = delete;
    RawPiece& operator=(const RawPiece&) = delete;

    /// Takes as much as fits; returns what did not.
    Bytes append(Bytes bytes);
    void cut() { cut_at_ = wall_now(); }

    /// Fills `out` with what comes next and lets go of it; 0 at the end.
    std::size_t read(MutableBytes out);

    bool full() const noexcept { return size_ == backup_piece_size; }
    std::uint64_t size() const noexcept { return size_; }
    std::size_t stream() const noexcept { return stream_; }
    const BackupPart& part() const noexcept { return part_; }
    std::string fingerprint() const { return fingerprint_.digits(); }
    WallTime cut_at() const noexcept { return cut_at_; }

  private:
    BlockPool& pool_;
    const std::size_t stream_;  // which one of the backup's
    const BackupPart part_;
    std::vector<BlockPool::Block> blocks_;
    std::uint64_t size_ = 0;
    std::uint64_t read_ = 0;
    Fingerprint fingerprint_;
    WallTime cut_at_{};
};

/// An object on its way to every store; its share of the budget is given back with it.
struct EncodedPart {
    EncodedPart(BlockPool& pool, transfer::MemoryBudget* from) : body(pool), budget(from) {}
    ~EncodedPart() {
        if (budget != nullptr) budget->give_back(share);
    }
    EncodedPart(const EncodedPart&) = delete;
    EncodedPart& operator=(const EncodedPart&) = delete;

    ObjectName name;
    ObjectBuffer body;
    BodyDigest digest{};
    std::string checksum;  // XXH3-128 of the object
    std::uint64_t content_size = 0;
    transfer::MemoryBudget* budget;
    std::uint64_t share = 0;
};

}  // namespace walferry::backup
