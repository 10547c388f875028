#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/sink.hpp"
#include "common/wal/backup_name.hpp"

namespace walferry {

/// What all pieces of one backup, and its label, have in common.
struct BackupOrigin {
    std::uint64_t system_identifier = 0;
    BackupId id;
    int pg_version = 0;  // major
    std::uint64_t segment_size = 0;
};

/// The envelope of a piece, or of the label.
Envelope backup_envelope(const BackupOrigin& origin, const BackupPart& part, std::uint64_t size,
                         const std::string& fingerprint, WallTime cut_at);

/// What a reader knows of an object before it reads it: from its key, or better from the label.
struct ExpectedPart {
    std::uint64_t system_identifier = 0;
    BackupId id;
    BackupPart part;
    std::string fingerprint;  // of the content
    std::string sha256;       // of the object: 64 hex digits, or the 32 that stand in its key
};

/// The inverse: the object's bytes go into write(), the content comes out of `content`. finish() checks all
/// that SegmentDecoder does, the object's hash, and that its envelope says what was expected; it finishes
/// `content` only then, and nothing that came out before may be trusted. Throws integrity, or config when no
/// identity fits, which is what a damaged stanza looks like, too. `options` must outlive it.
class BackupPartDecoder : public Sink {
  public:
    BackupPartDecoder(const DecodeOptions& options, ExpectedPart expected, Sink& content);
    void write(Bytes bytes) override;
    void finish() override;
    /// Valid after finish().
    const Envelope& envelope() const { return decoder_.envelope(); }

  private:
    /// Passes bytes on; its end is ours, which comes after the last check.
    class Held : public Sink {
      public:
        explicit Held(Sink& next) : next_(next) {}
        void write(Bytes bytes) override { next_.write(bytes); }
        void finish() override {}

      private:
        Sink& next_;
    };

    ExpectedPart expected_;
    Sink& content_;
    Held held_;
    Sha256 digest_;
    SegmentDecoder decoder_;
};

}  // namespace walferry
