#include "common/store/read_back.hpp"

#include <optional>

#include "common/codec/digest.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry {
namespace {

struct TooLong {
    std::uint64_t size;
};

class HashingReceiver : public Receiver {
  public:
    explicit HashingReceiver(std::uint64_t longest) : longest_(longest) {}

    void begin() override {
        digest_.restart();
        checksum_.emplace();
        size_ = 0;
    }
    void announced(std::uint64_t length) override {
        if (length > longest_) throw TooLong{length};
    }
    void write(Bytes bytes) override {
        announced(size_ + bytes.size());
        digest_.update(bytes);
        checksum_->update(bytes);
        size_ += bytes.size();
    }
    ReadBack result() { return {size_, hex(digest_.finish()), checksum_->digits()}; }

  private:
    const std::uint64_t longest_;
    Sha256 digest_;
    std::optional<Fingerprint> checksum_ = std::make_optional<Fingerprint>();
    std::uint64_t size_ = 0;
};

}  // namespace

ReadBack read_back(ObjectStore& store, const std::string& key, std::uint64_t longest) {
    HashingReceiver receiver(longest);
    try {
        store.get(key, receiver);
    } catch (const TooLong& object) {
        return {object.size, "", ""};
    }
    return receiver.result();
}

}  // namespace walferry
