#include "common/codec/backup_piece.hpp"

#include <utility>

#include "common/error.hpp"

namespace walferry {

Envelope backup_envelope(const BackupOrigin& origin, const BackupPart& part, std::uint64_t size,
                         const std::string& fingerprint, WallTime cut_at) {
    Envelope envelope;
    envelope.system_identifier = origin.system_identifier;
    envelope.name = BackupObject{origin.id, part}.text();
    envelope.size = size;
    envelope.fingerprint = fingerprint;
    envelope.pg_version = origin.pg_version;
    envelope.segment_size = origin.segment_size;
    envelope.spooled_at = format_time(cut_at);
    return envelope;
}

BackupPartDecoder::BackupPartDecoder(const DecodeOptions& options, ExpectedPart expected, Sink& content)
    : expected_(std::move(expected)), content_(content), held_(content), decoder_(options, held_) {}

void BackupPartDecoder::write(Bytes bytes) {
    digest_.update(bytes);
    decoder_.write(bytes);
}

void BackupPartDecoder::finish() {
    const std::string wanted = BackupObject{expected_.id, expected_.part}.text();
    const auto refuse = [&](const std::string& why) {
        throw Error(ErrorKind::integrity, "the object with " + wanted + " " + why,
                    "use another store's copy, or another backup");
    };
    if (!hex(digest_.finish()).starts_with(expected_.sha256) || expected_.sha256.size() < 32)
        refuse("is damaged: it does not hash to its name");
    decoder_.finish();
    const Envelope& is = decoder_.envelope();
    if (is.name != wanted || is.system_identifier != expected_.system_identifier ||
        is.fingerprint != expected_.fingerprint) {
        refuse("holds " + is.name + " of cluster " + std::to_string(is.system_identifier) + " with content " +
               is.fingerprint + ", not what its name says");
    }
    content_.finish();
}

}  // namespace walferry
