#include "archive/envelope_read.hpp"

#include <memory>
#include <vector>

#include "common/codec/envelope_tail.hpp"
#include "common/error.hpp"

namespace walferry::archive {
namespace {

class PartReceiver : public Receiver {
  public:
    explicit PartReceiver(std::uint64_t limit) : limit_(limit) {}
    void begin() override { bytes.clear(); }
    void write(Bytes more) override {
        if (bytes.size() + more.size() > limit_)
            throw Error(ErrorKind::server_error, "the store sent more than it was asked for");
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    std::vector<std::byte> bytes;

  private:
    const std::uint64_t limit_;
};

struct Nothing : Sink {
    void write(Bytes) override {}
    void finish() override {}
};

class WholeReceiver : public Receiver {
  public:
    explicit WholeReceiver(const DecodeOptions& options) : options_(options) {}
    void begin() override { decoder_ = std::make_unique<SegmentDecoder>(options_, nothing_); }
    void write(Bytes bytes) override { decoder_->write(bytes); }
    const Envelope& finish() {
        decoder_->finish();
        return decoder_->envelope();
    }

  private:
    const DecodeOptions& options_;
    Nothing nothing_;
    std::unique_ptr<SegmentDecoder> decoder_;
};

}  // namespace

Envelope envelope_of(ObjectStore& store, const ObjectInfo& object, const DecodeOptions& options) {
    try {
        const auto part = [&](std::uint64_t offset, std::uint64_t length) {
            PartReceiver receiver(length);
            store.get_range(object.key, offset, length, receiver);
            return std::move(receiver.bytes);
        };
        if (auto envelope = read_envelope(object.size, options, part)) return std::move(*envelope);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::rejected && error.kind() != ErrorKind::server_error) throw;
    }
    WholeReceiver receiver(options);
    store.get(object.key, receiver);
    return receiver.finish();
}

}  // namespace walferry::archive
