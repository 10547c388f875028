#include "archive/object_read.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/wal/wal_header.hpp"

namespace walferry::archive {
namespace {

// Feeds a fresh decoder on every attempt, and hashes what arrives.
class DecodingReceiver : public Receiver {
  public:
    DecodingReceiver(const DecodeOptions& options, const std::function<Sink&()>& open,
                     std::atomic<std::uint64_t>* received)
        : options_(options), open_(open), received_(received) {}
    void begin() override {
        digest_.restart();
        decoder_.reset();
        header_ = std::make_unique<HeaderCheck>(open_());
        decoder_ = std::make_unique<SegmentDecoder>(options_, *header_);
    }
    void write(Bytes bytes) override {
        if (received_ != nullptr) *received_ += bytes.size();
        digest_.update(bytes);
        decoder_->write(bytes);
    }
    Envelope check(const ObjectName& object, const WalName& name, std::uint64_t system_identifier) {
        if (!hex(digest_.finish()).starts_with(object.sha256))
            throw Error(ErrorKind::integrity, "its bytes do not hash to its name");
        decoder_->finish();
        const Envelope& envelope = decoder_->envelope();
        if (envelope.name != name.text || envelope.system_identifier != system_identifier ||
            envelope.fingerprint != object.fingerprint) {
            throw Error(ErrorKind::integrity, "it holds " + envelope.name + " of cluster " +
                                                  std::to_string(envelope.system_identifier) +
                                                  " with content " + envelope.fingerprint +
                                                  ", not what its name says");
        }
        header_->check(name, system_identifier);
        return envelope;
    }

  private:
    const DecodeOptions& options_;
    const std::function<Sink&()>& open_;
    std::atomic<std::uint64_t>* const received_;
    Sha256 digest_;
    std::unique_ptr<HeaderCheck> header_;
    std::unique_ptr<SegmentDecoder> decoder_;
};

}  // namespace

void HeaderCheck::write(Bytes bytes) {
    const std::size_t n = std::min(bytes.size(), WalHeader::bytes - begin_.size());
    begin_.insert(begin_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    size_ += bytes.size();
    next_.write(bytes);
}

void HeaderCheck::check(const WalName& name, std::uint64_t system_identifier) const {
    if (!name.has_header()) return;
    const auto header = WalHeader::parse(begin_);
    const auto wrong = header ? disagreement(*header, name, size_, system_identifier)
                              : std::optional<std::string>("it has no WAL header");
    if (wrong) throw Error(ErrorKind::integrity, *wrong);
}

DecodeOptions decode_options(const Settings& settings) {
    DecodeOptions options;
    options.trusted_writers = settings.trusted_writers;
    if (!settings.encrypt) return options;
    if (settings.identity_file.empty()) {
        throw Error(ErrorKind::config,
                    settings.file + ": encryption.identity_file is not set, so nothing can be decrypted here",
                    "set it to the private key's file on a host that restores");
    }
    options.identities = load_identities(settings.identity_file);
    return options;
}

Envelope read_object(ObjectStore& store, const std::string& key, const ObjectName& object,
                     const WalName& name, std::uint64_t system_identifier, const DecodeOptions& options,
                     const std::function<Sink&()>& open, std::atomic<std::uint64_t>* received) {
    DecodingReceiver receiver(options, open, received);
    store.get(key, receiver);
    return receiver.check(object, name, system_identifier);
}

}  // namespace walferry::archive
