#pragma once
#include "common/codec/backup_piece.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::test {

/// Makes an object of a piece or of a label.
inline EncodeResult encode_backup_part(SegmentEncoder& encoder, const BackupOrigin& origin,
                                       const BackupPart& part, Bytes content, WallTime cut_at, Sink& object) {
    Fingerprint fingerprint;
    fingerprint.update(content);
    return encoder.encode(read_from(content),
                          backup_envelope(origin, part, content.size(), fingerprint.digits(), cut_at),
                          object);
}

}  // namespace walferry::test
