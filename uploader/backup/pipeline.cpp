#include "uploader/backup/pipeline.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace walferry::backup {
BackupPipeline::BackupPipeline(const EncodeOptions& encoding, const BackupOrigin& origin, int jobs,
                               transfer::MemoryBudget& memory,
                               std::vector<std::unique_ptr<StoreCopy>>& copies)
    : encoding_(encoding), origin_(origin), copies_(copies), memory_(memory) {
    for (int job = 0; job < jobs; ++job)
        workers_.emplace_back([this](const std::stop_token& ended) { work(ended); });
}

BackupPipeline::~BackupPipeline() {
    for (std::jthread& worker : workers_) worker.request_stop();
    workers_.clear();
}

void BackupPipeline::check() const {
    {
        const std::lock_guard lock(mutex_);
        if (failure_) throw *failure_;
    }
    if (std::any_of(copies_.begin(), copies_.end(), [](const auto& copy) { return copy->usable(); })) return;
    throw Error(ErrorKind::unreachable, "no store is left that takes this backup",
                "see above what each one said; there is no backup, run it again");
}

void BackupPipeline::begin_stream(const std::string& name) {
    end_stream();
    const std::lock_guard lock(mutex_);
    streams_.push_back({name, 0, {}});
    next_number_ = 0;
}

void BackupPipeline::write(Bytes bytes) {
    while (!bytes.empty()) {
        if (!cutting_) {
            auto share = memory_.take(backup_piece_size);
            check();
            if (!share) throw Error(ErrorKind::interrupted, "stopped on request");
            const std::lock_guard lock(mutex_);
            if (next_number_ >= BackupPart::most_pieces)
                throw Error(ErrorKind::internal, "a stream is too large for a backup");
            BackupLabel::Stream& stream = streams_.back();
            stream.pieces.emplace_back();
            cutting_ = std::make_unique<RawPiece>(
                memory_, std::move(share), streams_.size() - 1,
                BackupPart{stream.name, static_cast<std::uint32_t>(next_number_++)});
        }
        bytes = cutting_->append(bytes);
        if (cutting_->full()) hand_over();
    }
}

void BackupPipeline::hand_over() {
    cutting_->cut();
    const std::lock_guard lock(mutex_);
    streams_[cutting_->stream()].size += cutting_->size();
    queue_.push_back(std::move(cutting_));
    changed_.notify_all();
}

void BackupPipeline::end_stream() {
    if (cutting_) hand_over();
}

std::vector<BackupLabel::Stream> BackupPipeline::finish() {
    end_stream();
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return failure_ || (queue_.empty() && under_way_ == 0); });
    }
    check();
    const std::lock_guard lock(mutex_);
    return streams_;
}

void BackupPipeline::work(const std::stop_token& ended) {
    std::optional<transfer::ObjectEncoder> encoder;
    for (;;) {
        std::unique_ptr<RawPiece> piece;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, ended, [&] { return !queue_.empty(); })) return;
            piece = std::move(queue_.front());
            queue_.pop_front();
            ++under_way_;
        }
        std::optional<Error> failure;
        try {
            if (!encoder) encoder.emplace(encoding_, memory_);
            encode(*encoder, *piece);
        } catch (const Error& error) {
            failure = error;
        } catch (const std::exception& error) {
            failure = Error(ErrorKind::internal, error.what());
        }
        if (failure) memory_.close();
        const std::lock_guard lock(mutex_);
        if (failure && !failure_) failure_ = failure;
        --under_way_;
        changed_.notify_all();
    }
}

void BackupPipeline::encode(transfer::ObjectEncoder& encoder, RawPiece& piece) {
    const auto read = [&](MutableBytes out) { return piece.read(out); };
    const std::shared_ptr<const transfer::EncodedObject> object = encoder.encode(
        read, backup_envelope(origin_, piece.part(), piece.size(), piece.fingerprint(), piece.cut_at()),
        piece.part().text(), piece.take_share());
    {
        const std::lock_guard lock(mutex_);
        streams_[piece.stream()].pieces[piece.part().number] = {
            piece.size(), object->body.size(), piece.fingerprint(), hex(object->digest.sha256)};
    }
    for (const auto& copy : copies_) copy->offer(object);
}

std::shared_ptr<const transfer::EncodedObject> BackupPipeline::encode(const BackupPart& part, Bytes content) {
    return transfer::ObjectEncoder(encoding_, memory_)
        .encode(content, backup_envelope(origin_, part, 0, "", wall_now()), part.text());
}

}  // namespace walferry::backup
