#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "common/codec/backup_piece.hpp"
#include "transfer/encoded_object.hpp"
#include "uploader/backup/piece.hpp"
#include "uploader/backup/store_copy.hpp"

namespace walferry::backup {

/// From the server's streams to every store: cuts them into pieces, has each one encoded once, on as many
/// cores as there are jobs, and offers it to every copy that is still made. What is in memory at once is
/// bounded, so the slowest store sets the pace.
class BackupPipeline {
  public:
    BackupPipeline(const EncodeOptions& encoding, const BackupOrigin& origin, int jobs,
                   transfer::MemoryBudget& memory, std::vector<std::unique_ptr<StoreCopy>>& copies);
    ~BackupPipeline();

    // One stream after the other, by one thread.
    void begin_stream(const std::string& name);
    void write(Bytes bytes);
    /// After the last one: waits until all pieces are encoded. What the label says of them.
    std::vector<BackupLabel::Stream> finish();

    /// Encodes something small by itself, such as the label.
    std::shared_ptr<const transfer::EncodedObject> encode(const BackupPart& part, Bytes content);

    /// Throws when nothing can come of the backup any more.
    void check() const;

    /// What may be in memory: a piece that is read, one for each worker, and one piece's worth on the way to
    /// the stores.
    static std::uint64_t memory_for(int jobs) {
        return static_cast<std::uint64_t>(jobs + 2) * backup_piece_size;
    }

  private:
    void end_stream();
    void hand_over();
    void work(const std::stop_token& ended);
    void encode(transfer::ObjectEncoder& encoder, RawPiece& piece);

    const EncodeOptions& encoding_;
    const BackupOrigin& origin_;
    std::vector<std::unique_ptr<StoreCopy>>& copies_;
    transfer::MemoryBudget& memory_;

    std::unique_ptr<RawPiece> cutting_;
    std::size_t next_number_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::unique_ptr<RawPiece>> queue_;
    std::size_t under_way_ = 0;
    std::vector<BackupLabel::Stream> streams_;
    std::optional<Error> failure_;  // of an encoder
    std::vector<std::jthread> workers_;
};

}  // namespace walferry::backup
