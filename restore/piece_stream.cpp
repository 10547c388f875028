#include "restore/piece_stream.hpp"

#include <algorithm>
#include <chrono>

#include "archive/stored_backups.hpp"
#include "common/clock.hpp"
#include "common/codec/backup_piece.hpp"
#include "common/errors_only.hpp"
#include "common/store/retry.hpp"

namespace walferry::restore {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;
constexpr std::size_t blocks_ahead = 8;  // of each piece
constexpr int attempts_beside_another_store = 2;
// When no store gives a piece, they are all asked again for as long as this.
constexpr std::chrono::seconds patience{60};
constexpr std::chrono::seconds pause{2};

/// Takes an object as long as its label says, and no longer; ends early where `stalls` says so.
class ObjectReceiver : public Receiver {
  public:
    using Clock = std::chrono::steady_clock;
    explicit ObjectReceiver(std::uint64_t size) : size_(size) {}
    void begin() override {
        bytes.clear();
        started_ = Clock::now();  // an attempt that broke off says nothing of the next one's pace
    }
    void start(std::function<bool(std::uint64_t, Clock::duration)> stalls) {
        started_ = Clock::now();
        stalls_ = std::move(stalls);
        stalled = false;
        bytes.clear();
    }
    Clock::duration took() const { return Clock::now() - started_; }
    void announced(std::uint64_t length) override {
        if (length != size_)
            throw Error(ErrorKind::integrity,
                        "it has " + std::to_string(length) + " bytes instead of " + std::to_string(size_));
    }
    void write(Bytes more) override {
        if (bytes.size() + more.size() > size_)
            throw Error(ErrorKind::integrity, "it is longer than " + std::to_string(size_) + " bytes");
        if (bytes.empty()) bytes.reserve(size_);
        bytes.insert(bytes.end(), more.begin(), more.end());
        if (!stalls_(bytes.size(), took())) return;
        stalled = true;
        throw Error(ErrorKind::interrupted, "another store is faster");
    }
    void check(const std::string& sha256) const {
        Sha256 digest;
        digest.update(bytes);
        if (hex(digest.finish()) != sha256)
            throw Error(ErrorKind::integrity, "its bytes do not hash to its name");
    }
    std::uint64_t size() const { return size_; }
    std::vector<std::byte> bytes;
    bool stalled = false;

  private:
    const std::uint64_t size_;
    Clock::time_point started_;
    std::function<bool(std::uint64_t, Clock::duration)> stalls_;
};

}  // namespace

struct PieceStream::Piece {
    std::size_t index = 0;
    BackupPart part;
    const BackupLabel::Piece* label = nullptr;
    bool last_of_stream = false;
    // Guarded by the stream's mutex.
    std::deque<std::vector<std::byte>> blocks;
    bool complete = false;
    std::exception_ptr error;
};

/// A store, shared by all workers.
struct PieceStream::Place {
    StoreSettings settings;
    std::optional<ObjectKeys> keys;
    std::shared_ptr<Breaker> breaker = std::make_shared<Breaker>();
};

class PieceStream::Source : public ByteSource {
  public:
    explicit Source(PieceStream& stream) : stream_(stream) {}
    Bytes next() override { return stream_.take_block(); }

  private:
    PieceStream& stream_;
};

/// The end of a worker's chain: hands blocks over, and waits when there are enough.
class PieceStream::Channel : public Sink {
  public:
    Channel(PieceStream& stream, Piece& piece, const std::stop_token& stop)
        : stream_(stream), piece_(piece), stop_(stop) {}

    void write(Bytes bytes) override {
        while (!bytes.empty()) {
            if (block_.capacity() == 0) block_.reserve(block_size);
            const std::size_t part = std::min(bytes.size(), block_size - block_.size());
            block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
            bytes = bytes.subspan(part);
            if (block_.size() == block_size) hand_over();
        }
    }
    void finish() override {
        if (!block_.empty()) hand_over();
    }

  private:
    void hand_over() {
        std::unique_lock lock(stream_.mutex_);
        const bool room =
            stream_.changed_.wait(lock, stop_, [&] { return piece_.blocks.size() < blocks_ahead; });
        if (!room) throw Error(ErrorKind::interrupted, "stopped on request");
        piece_.blocks.push_back(std::move(block_));
        block_ = {};
        stream_.changed_.notify_all();
    }

    PieceStream& stream_;
    Piece& piece_;
    const std::stop_token& stop_;
    std::vector<std::byte> block_;
};

/// One thread's connections and its loop.
class PieceStream::Worker {
  public:
    Worker(PieceStream& stream, std::stop_token stop) : stream_(stream), stop_(std::move(stop)) {
        connections_.resize(stream.places_.size());
    }

    void run() {
        while (Piece* piece = take()) {
            std::exception_ptr error;
            try {
                errors_only([&] { deliver(*piece); });
            } catch (const Error&) {
                error = std::current_exception();
            }
            const std::lock_guard lock(stream_.mutex_);
            piece->error = error;
            piece->complete = true;
            stream_.changed_.notify_all();
            if (error) return;
        }
    }

  private:
    Piece* take() {
        const std::lock_guard lock(stream_.mutex_);
        if (stop_.stop_requested() || stream_.next_piece_ == stream_.pieces_.size()) return nullptr;
        return stream_.pieces_[stream_.next_piece_++].get();
    }

    void deliver(Piece& piece) {
        const PieceOrigin& origin = stream_.origin_;
        ObjectReceiver object(piece.label->object_size);
        fetch(piece, object);
        Channel channel(stream_, piece, stop_);
        BackupPartDecoder decoder(*origin.decoding,
                                  {origin.label->system_identifier, origin.label->id, piece.part,
                                   piece.label->fingerprint, piece.label->sha256},
                                  channel);
        decoder.write(object.bytes);
        decoder.finish();
    }

    /// Leaves the whole object, whose hash is the label's.
    void fetch(const Piece& piece, ObjectReceiver& object) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        for (;;) {
            std::optional<Error> trouble;
            if (try_stores(piece, object, trouble)) return;
            if (!traits(trouble->kind()).retryable() || std::chrono::steady_clock::now() > deadline)
                throw *trouble;
            std::unique_lock lock(stream_.mutex_);
            stream_.changed_.wait_for(lock, stop_, pause, [] { return false; });
            if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
            for (const auto& place : stream_.places_) place->breaker->reset();
        }
    }

    enum class Tried { got, failed, stalled };

    /// `trouble` becomes the error that a later attempt may get over, else the last one.
    bool try_stores(const Piece& piece, ObjectReceiver& object, std::optional<Error>& trouble) {
        std::vector<std::size_t> left = stream_.begin_order();
        std::vector<std::size_t> slow;
        while (!left.empty()) {
            const std::size_t index = left.front();
            left.erase(left.begin());
            const Tried tried = try_store(index, piece, object, !left.empty(), trouble);
            if (tried == Tried::got) return true;
            if (tried == Tried::stalled) slow.push_back(index);
        }
        // The others could not give it: it takes as long as it takes.
        return std::any_of(slow.begin(), slow.end(), [&](std::size_t index) {
            return try_store(index, piece, object, false, trouble) == Tried::got;
        });
    }

    Tried try_store(std::size_t index, const Piece& piece, ObjectReceiver& object, bool may_stall,
                    std::optional<Error>& trouble) {
        const std::string key = stream_.places_[index]->keys->backup(
            stream_.origin_.label->id,
            archive::piece_object(stream_.origin_.label_object, piece.part, *piece.label));
        const Transfer transfer(stream_, index, object);
        try {
            object.start([&](std::uint64_t done, ObjectReceiver::Clock::duration took) {
                if (!may_stall) return false;
                const std::lock_guard lock(stream_.mutex_);
                return stream_.pace_->is_stalling(index, done, object.size(), took);
            });
            connection(index).get(key, object);
            object.check(piece.label->sha256);
            const std::lock_guard lock(stream_.mutex_);
            stream_.pace_->works(index);
            return Tried::got;
        } catch (const Error& error) {
            if (object.stalled) {
                stream_.note_slow(index, key, object.bytes.size(), object.size());
                return Tried::stalled;
            }
            if (error.kind() == ErrorKind::interrupted) throw;
            stream_.note_failure(index, key, error);
            if (!trouble || !traits(trouble->kind()).retryable()) trouble = error;
            return Tried::failed;
        }
    }

    /// Counts as under way, and is measured when it ends.
    class Transfer {
      public:
        Transfer(PieceStream& stream, std::size_t index, const ObjectReceiver& object)
            : stream_(stream), index_(index), object_(object) {
            const std::lock_guard lock(stream_.mutex_);
            stream_.pace_->begin(index_);
        }
        ~Transfer() {
            const std::lock_guard lock(stream_.mutex_);
            stream_.pace_->end(index_);
            stream_.pace_->measured(index_, object_.bytes.size(), object_.took());
        }
        Transfer(const Transfer&) = delete;
        Transfer& operator=(const Transfer&) = delete;

      private:
        PieceStream& stream_;
        const std::size_t index_;
        const ObjectReceiver& object_;
    };

    ObjectStore& connection(std::size_t index) {
        if (!connections_[index]) {
            const Place& place = *stream_.places_[index];
            connections_[index] = open_store(place.settings, StoreAccess::restore, place.breaker, stop_);
        }
        return *connections_[index];
    }

    PieceStream& stream_;
    const std::stop_token stop_;
    std::vector<std::unique_ptr<ObjectStore>> connections_;
};

PieceStream::PieceStream(const PieceOrigin& origin, const std::vector<std::string>& streams, int workers)
    : origin_(origin), source_(std::make_unique<Source>(*this)) {
    for (const StoreSettings* store : origin.stores) {
        auto& place = *places_.emplace_back(std::make_unique<Place>());
        place.settings = *store;
        if (origin.stores.size() > 1)
            place.settings.attempts = std::min(store->attempts, attempts_beside_another_store);
        place.keys.emplace(store->prefix, origin.label->cluster, origin.label->system_identifier);
    }
    pace_.emplace(places_.size());
    for (const std::string& name : streams) {
        BackupPart part{name, 0};
        for (const BackupLabel::Piece& label : origin.label->stream(name)->pieces) {
            auto& piece = *pieces_.emplace_back(std::make_unique<Piece>());
            piece.index = pieces_.size() - 1;
            piece.part = part;
            piece.label = &label;
            ++part.number;
        }
        pieces_.back()->last_of_stream = true;
    }
    for (int i = 0; i < workers; ++i)
        workers_.emplace_back([this](std::stop_token stop) { Worker(*this, std::move(stop)).run(); });
}

PieceStream::~PieceStream() {
    for (std::jthread& worker : workers_) worker.request_stop();
}

ByteSource& PieceStream::next_stream() {
    const std::lock_guard lock(mutex_);
    reading_ = stream_end_;
    while (!pieces_[stream_end_++]->last_of_stream) {
    }
    return *source_;
}

Bytes PieceStream::take_block() {
    std::unique_lock lock(mutex_);
    while (reading_ < stream_end_) {
        Piece& piece = *pieces_[reading_];
        const bool ready =
            changed_.wait(lock, origin_.stop, [&] { return !piece.blocks.empty() || piece.complete; });
        if (!ready) throw Error(ErrorKind::interrupted, "stopped on request");
        if (!piece.blocks.empty()) {
            block_ = std::move(piece.blocks.front());
            piece.blocks.pop_front();
            changed_.notify_all();
            return block_;
        }
        if (piece.error) std::rethrow_exception(piece.error);
        ++reading_;
    }
    return {};
}

std::vector<std::size_t> PieceStream::begin_order() const {
    const std::lock_guard lock(mutex_);
    return pace_->order();
}

void PieceStream::note_slow(std::size_t index, const std::string& key, std::uint64_t done,
                            std::uint64_t size) {
    {
        const std::lock_guard lock(mutex_);
        if (!told_slow_.insert(index).second) return;
    }
    origin_.say("store " + places_[index]->settings.name + " is slow: " + key +
                " is taken from another one (" + format_bytes(done) + " of " + format_bytes(size) +
                " had come)");
}

void PieceStream::note_failure(std::size_t index, const std::string& key, const Error& error) {
    const std::string store = places_[index]->settings.name;
    const bool of_the_object = error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::not_found;
    bool news = true;
    {
        const std::lock_guard lock(mutex_);
        if (of_the_object) {
            damaged_.push_back(store + ": " + key);
        } else {
            news = !pace_->has_failed(index);
            pace_->failed(index);
        }
    }
    if (news) origin_.say("store " + store + ": " + key + " cannot be used: " + error.what());
}

std::set<std::string> PieceStream::failed_stores() const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> names;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        if (pace_->has_failed(i)) names.insert(places_[i]->settings.name);
    }
    return names;
}

std::vector<std::string> PieceStream::damaged() const {
    const std::lock_guard lock(mutex_);
    return damaged_;
}

}  // namespace walferry::restore
