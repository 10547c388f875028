#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/codec/age/age.hpp"
#include "common/codec/envelope.hpp"
#include "common/codec/signing.hpp"
#include "common/sink.hpp"

namespace walferry {

/// How segments are turned into objects. Shared by all workers; immutable.
struct EncodeOptions {
    int level = 3;                            // zstd
    std::vector<AgeRecipient> recipients;     // empty: plain .zst
    std::shared_ptr<const WriterKey> writer;  // null: unsigned
};

/// Computed over the object's bytes while they are made.
struct EncodeResult {
    std::array<std::byte, 32> sha256;
    std::uint64_t size = 0;   // of the object
    std::string checksum;     // XXH3-128 of the object, by other code than sha256
    std::string fingerprint;  // of the segment's bytes as they were read, for comparison with the envelope's
    std::optional<WalFacts> facts;  // of a WAL segment, as the envelope has them
};

/// For SegmentEncoder::encode(): gives these bytes, one part after the other.
std::function<std::size_t(MutableBytes)> read_from(Bytes content);

/// Makes objects out of segments, one after the other; keeps its buffers and contexts in between, because
/// setting them up costs more than a small segment. One thread uses an encoder at a time.
class SegmentEncoder {
  public:
    explicit SegmentEncoder(EncodeOptions options);
    ~SegmentEncoder();

    /// Compresses, adds the envelope, encrypts and hashes a segment in one pass, and finishes `object`.
    /// `read` fills a buffer and returns how many bytes it put there, 0 at the end. Exactly `envelope.size`
    /// bytes must come, and they must hash to envelope.fingerprint; else throws integrity, and `object` is
    /// not finished. `envelope` needs no frame_sha256, writer, signature and facts: they are filled in here.
    /// After an error the encoder can be used again.
    EncodeResult encode(const std::function<std::size_t(MutableBytes)>& read, Envelope envelope,
                        Sink& object);

  private:
    struct Workshop;
    EncodeOptions options_;
    std::unique_ptr<Workshop> workshop_;
};

struct DecodeOptions {
    std::vector<AgeIdentity> identities;       // empty: the object is plain .zst
    std::vector<std::string> trusted_writers;  // where set, anything not signed by one of them is refused
};

/// The inverse: an object's bytes go into write(), the segment's come out of `segment`. Checked by finish():
/// age's authentication, zstd's checksum, frame_sha256, size, fingerprint, signature. Nothing that comes out
/// before finish() returned may be trusted. Throws integrity, or config when no identity fits. `options` must
/// outlive the decoder. finish() finishes `segment` only when everything was right.
class SegmentDecoder : public Sink {
  public:
    SegmentDecoder(const DecodeOptions& options, Sink& segment);
    ~SegmentDecoder() override;
    void write(Bytes bytes) override;
    void finish() override;
    /// Valid after finish().
    const Envelope& envelope() const;

  private:
    class Chain;
    std::unique_ptr<Chain> chain_;
};

}  // namespace walferry
