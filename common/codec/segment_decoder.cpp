#include "common/codec/segment_codec.hpp"
#include "common/codec/zstd_reader.hpp"
#include "common/error.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry {
namespace {

/// Fingerprints and counts the segment's bytes on their way.
class SegmentTap : public Sink {
  public:
    explicit SegmentTap(Sink& next) : next_(next) {}
    void write(Bytes bytes) override {
        fingerprint_.update(bytes);
        size_ += bytes.size();
        next_.write(bytes);
    }
    void finish() override { next_.finish(); }
    std::string fingerprint() const { return fingerprint_.digits(); }
    std::uint64_t size() const noexcept { return size_; }

  private:
    Sink& next_;
    Fingerprint fingerprint_;
    std::uint64_t size_ = 0;
};

[[noreturn]] void refuse(const Envelope& envelope, const std::string& why) {
    throw Error(ErrorKind::integrity,
                "the object with " + envelope.name + " is not what its envelope says: " + why,
                "use another store's copy");
}

}  // namespace

class SegmentDecoder::Chain {
  public:
    Chain(const DecodeOptions& options, Sink& segment) : options_(options), tap_(segment), zstd_(tap_) {
        if (!options.identities.empty()) age_ = std::make_unique<AgeDecryptor>(options.identities, zstd_);
    }

    Sink& first() { return age_ ? static_cast<Sink&>(*age_) : zstd_; }

    void finish() {
        first().finish();
        envelope_ = parse_envelope(zstd_.envelope());
        check_signature(envelope_, options_.trusted_writers);
        if (hex(zstd_.frame_sha256()) != envelope_.frame_sha256)
            refuse(envelope_, "its data belongs to another");
        if (tap_.size() != envelope_.size) refuse(envelope_, "its size differs");
        if (tap_.fingerprint() != envelope_.fingerprint) refuse(envelope_, "its fingerprint differs");
        tap_.finish();
    }

    const Envelope& envelope() const noexcept { return envelope_; }

  private:
    const DecodeOptions& options_;
    SegmentTap tap_;
    ZstdReader zstd_;
    std::unique_ptr<AgeDecryptor> age_;
    Envelope envelope_;
};

SegmentDecoder::SegmentDecoder(const DecodeOptions& options, Sink& segment)
    : chain_(std::make_unique<Chain>(options, segment)) {}
SegmentDecoder::~SegmentDecoder() = default;
void SegmentDecoder::write(Bytes bytes) {
    chain_->first().write(bytes);
}
void SegmentDecoder::finish() {
    chain_->finish();
}
const Envelope& SegmentDecoder::envelope() const {
    return chain_->envelope();
}

}  // namespace walferry
