#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "restore/store_pace.hpp"
#include "restore/tar_reader.hpp"

namespace walferry::restore {

/// A backup and the stores that have it.
struct PieceOrigin {
    const BackupLabel* label = nullptr;
    ObjectName label_object;
    std::vector<const StoreSettings*> stores;
    const DecodeOptions* decoding = nullptr;
    std::function<void(const std::string&)> say;  // damage and detours, a line each; from any thread
    std::stop_token stop;
};

/// The streams of a backup, one after the other, as one sequence of pieces that workers fetch and decode
/// ahead of whoever reads. A piece is kept as it was stored until its hash fits the label, and only then
/// decoded, a few blocks ahead: so what comes out is what the label's writer has put in, and memory stays
/// bounded. Each store is asked at its own pace, and a transfer that stalls is begun again in another store.
class PieceStream {
  public:
    /// All must outlive it.
    PieceStream(const PieceOrigin& origin, const std::vector<std::string>& streams, int workers);
    ~PieceStream();
    PieceStream(const PieceStream&) = delete;
    PieceStream& operator=(const PieceStream&) = delete;

    /// The next stream's bytes; the one before must have been read to its end. Valid until the next call.
    ByteSource& next_stream();

    /// Stores that have failed, and what of theirs was damaged.
    std::set<std::string> failed_stores() const;
    std::vector<std::string> damaged() const;

  private:
    struct Piece;
    class Source;
    class Channel;
    struct Place;
    class Worker;

    Bytes take_block();
    std::vector<std::size_t> begin_order() const;
    void note_failure(std::size_t place, const std::string& key, const Error& error);
    void note_slow(std::size_t place, const std::string& key, std::uint64_t done, std::uint64_t size);

    const PieceOrigin& origin_;
    std::vector<std::unique_ptr<Piece>> pieces_;
    std::vector<std::unique_ptr<Place>> places_;
    std::unique_ptr<Source> source_;
    std::size_t stream_end_ = 0;  // one past the current stream's last piece

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::size_t next_piece_ = 0;  // that no worker has taken yet
    std::size_t reading_ = 0;     // the piece that is being read
    std::vector<std::byte> block_;
    std::vector<std::string> damaged_;
    std::optional<StorePace> pace_;
    std::set<std::size_t> told_slow_;
    std::vector<std::jthread> workers_;
};

}  // namespace walferry::restore
