#include "uploader/backup/pipeline.hpp"

#include <algorithm>

#include "common/error.hpp"

namespace walferry::backup {
namespace {

std::string tag_of(const std::vector<AgeRecipient>& recipients) {
    std::vector<std::string> texts;
    for (const AgeRecipient& recipient : recipients) texts.push_back(recipient.text());
    return recipients_tag(std::move(texts));
}

}  // namespace

BackupPipeline::BackupPipeline(const EncodeOptions& encoding, const BackupOrigin& origin, int jobs,
                               transfer::BackupMemory& memory,
                               std::vector<std::unique_ptr<StoreCopy>>& copies)
    : encoding_(encoding),
      origin_(origin),
      copies_(copies),
      memory_(memory),
      recipients_(tag_of(encoding.recipients)) {
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
            const bool room = memory_.budget.take(backup_piece_size);
            check();
            if (!room) throw Error(ErrorKind::interrupted, "stopped on request");
            const std::lock_guard lock(mutex_);
            if (next_number_ >= BackupPart::most_pieces)
                throw Error(ErrorKind::internal, "a stream is too large for a backup");
            BackupLabel::Stream& stream = streams_.back();
            stream.pieces.emplace_back();
            cutting_ = std::make_unique<RawPiece>(
                memory_.pool, streams_.size() - 1,
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
    SegmentEncoder encoder(encoding_);
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
            encode(encoder, *piece);
        } catch (const Error& error) {
            failure = error;
        } catch (const std::exception& error) {
            failure = Error(ErrorKind::internal, error.what());
        }
        if (failure) memory_.budget.close();
        const std::lock_guard lock(mutex_);
        if (failure && !failure_) failure_ = failure;
        --under_way_;
        changed_.notify_all();
    }
}

void BackupPipeline::encode(SegmentEncoder& encoder, RawPiece& piece) {
    const std::string fingerprint = piece.fingerprint();
    auto part = std::make_shared<EncodedPart>(memory_.pool, &memory_.budget);
    part->share = backup_piece_size;
    part->content_size = piece.size();
    const EncodeResult result = encoder.encode(
        [&](MutableBytes out) { return piece.read(out); },
        backup_envelope(origin_, piece.part(), piece.size(), fingerprint, piece.cut_at()), part->body);
    part->digest.sha256 = result.sha256;
    part->checksum = result.checksum;
    const std::string sha256 = hex(result.sha256);
    part->name = {piece.part().text(), fingerprint, recipients_, sha256.substr(0, 32),
                  !encoding_.recipients.empty()};
    if (result.size < part->share) {
        memory_.budget.give_back(part->share - result.size);
        part->share = result.size;
    }
    {
        const std::lock_guard lock(mutex_);
        streams_[piece.stream()].pieces[piece.part().number] = {piece.size(), result.size, fingerprint,
                                                                sha256};
    }
    for (const auto& copy : copies_) copy->offer(part);
}

std::shared_ptr<const EncodedPart> BackupPipeline::encode(const BackupPart& part, Bytes content) {
    SegmentEncoder encoder(encoding_);
    auto encoded = std::make_shared<EncodedPart>(memory_.pool, nullptr);
    const EncodeResult result =
        encode_backup_part(encoder, origin_, part, content, wall_now(), encoded->body);
    encoded->digest.sha256 = result.sha256;
    encoded->checksum = result.checksum;
    encoded->content_size = content.size();
    encoded->name = {part.text(), result.fingerprint, recipients_, hex(result.sha256).substr(0, 32),
                     !encoding_.recipients.empty()};
    return encoded;
}

}  // namespace walferry::backup
