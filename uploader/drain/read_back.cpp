#include "uploader/drain/read_back.hpp"

#include "common/codec/digest.hpp"

namespace walferry {
namespace {

class HashingReceiver : public Receiver {
  public:
    void begin() override {
        digest_.restart();
        size_ = 0;
    }
    void write(Bytes bytes) override {
        digest_.update(bytes);
        size_ += bytes.size();
    }
    ReadBack result() { return {size_, hex(digest_.finish())}; }

  private:
    Sha256 digest_;
    std::uint64_t size_ = 0;
};

}  // namespace

ReadBack read_back(ObjectStore& store, const std::string& key) {
    HashingReceiver receiver;
    store.get(key, receiver);
    return receiver.result();
}

}  // namespace walferry
