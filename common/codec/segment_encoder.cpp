#include <algorithm>
#include <utility>

#include "common/codec/digest.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/codec/zstd_writer.hpp"
#include "common/error.hpp"
#include "common/wal/facts_reader.hpp"
#include "common/wal/fingerprint.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

// Small enough for the second-level cache, through which every stage passes it.
constexpr std::size_t read_size = 256 * 1024;

/// Hashes the zstd frame on its way.
class FrameTap : public Sink {
  public:
    FrameTap(Sha256& hash, Sink& next) : hash_(hash), next_(next) {}
    void write(Bytes bytes) override {
        hash_.update(bytes);
        next_.write(bytes);
    }
    void finish() override { next_.finish(); }

  private:
    Sha256& hash_;
    Sink& next_;
};

/// Hashes and counts the object's bytes on their way.
class ObjectTap : public Sink {
  public:
    ObjectTap(Sha256& sha256, Sink& next) : sha256_(sha256), next_(next) {}
    void write(Bytes bytes) override {
        sha256_.update(bytes);
        checksum_.update(bytes);
        size_ += bytes.size();
        next_.write(bytes);
    }
    void finish() override { next_.finish(); }
    std::uint64_t size() const noexcept { return size_; }
    std::string checksum() const { return checksum_.digits(); }

  private:
    Sha256& sha256_;
    Fingerprint checksum_;
    Sink& next_;
    std::uint64_t size_ = 0;
};

[[noreturn]] void refuse(const Envelope& envelope, const std::string& why) {
    throw Error(ErrorKind::integrity, "cannot encode " + envelope.name + ": " + why,
                "the file changed or was damaged since it was spooled; nothing was stored");
}

}  // namespace

std::function<std::size_t(MutableBytes)> read_from(Bytes content) {
    return [rest = content](MutableBytes out) mutable {
        const std::size_t size = std::min(out.size(), rest.size());
        std::copy_n(rest.begin(), size, out.begin());
        rest = rest.subspan(size);
        return size;
    };
}

struct SegmentEncoder::Workshop {
    explicit Workshop(int level) : zstd(level), buffer(read_size) {}

    ZstdWriter zstd;
    std::vector<std::byte> buffer;
    Sha256 frame_hash;
    Sha256 object_sha256;

    std::string compress(const std::function<std::size_t(MutableBytes)>& read, const Envelope& envelope,
                         Sink& next, FactsReader* facts);
};

SegmentEncoder::SegmentEncoder(EncodeOptions options)
    : options_(std::move(options)), workshop_(std::make_unique<Workshop>(options_.level)) {}

SegmentEncoder::~SegmentEncoder() = default;

/// Returns the fingerprint of what was read.
std::string SegmentEncoder::Workshop::compress(const std::function<std::size_t(MutableBytes)>& read,
                                               const Envelope& envelope, Sink& next, FactsReader* facts) {
    Fingerprint fingerprint;
    std::uint64_t missing = envelope.size;
    frame_hash.restart();
    FrameTap tap(frame_hash, next);
    zstd.begin(envelope.size, tap);
    while (const std::size_t got = read(buffer)) {
        if (got > missing) refuse(envelope, "it is larger than " + std::to_string(envelope.size) + " bytes");
        missing -= got;
        const Bytes bytes = Bytes(buffer).first(got);
        fingerprint.update(bytes);
        if (facts != nullptr) facts->write(bytes);
        zstd.write(bytes);
    }
    if (missing > 0) {
        refuse(envelope,
               "it ends " + std::to_string(missing) + " bytes before its " + std::to_string(envelope.size));
    }
    if (const std::string digits = fingerprint.digits(); digits != envelope.fingerprint) {
        refuse(envelope, "its fingerprint is " + digits + ", not " + envelope.fingerprint);
    }
    zstd.finish();
    return envelope.fingerprint;
}

EncodeResult SegmentEncoder::encode(const std::function<std::size_t(MutableBytes)>& read, Envelope envelope,
                                    Sink& object) {
    workshop_->object_sha256.restart();
    ObjectTap tap(workshop_->object_sha256, object);
    std::unique_ptr<AgeEncryptor> age;
    if (!options_.recipients.empty()) age = std::make_unique<AgeEncryptor>(options_.recipients, tap);
    Sink& body = age ? static_cast<Sink&>(*age) : tap;

    EncodeResult result;
    const auto name = WalName::parse(envelope.name);
    std::optional<FactsReader> facts;
    if (name && name->has_header()) facts.emplace();
    result.fingerprint = workshop_->compress(read, envelope, body, facts ? &*facts : nullptr);
    if (facts) result.facts = facts->finish();
    envelope.facts = result.facts ? facts_text(*result.facts) : std::string();
    envelope.frame_sha256 = hex(workshop_->frame_hash.finish());
    envelope.writer.clear();
    envelope.signature.clear();
    if (options_.writer) sign_envelope(envelope, *options_.writer);
    write_skippable_frame(envelope_magic, as_bytes(envelope_json(envelope)), body);
    body.finish();

    result.sha256 = workshop_->object_sha256.finish();
    result.size = tap.size();
    result.checksum = tap.checksum();
    return result;
}

}  // namespace walferry
