#include "archive/plain_read.hpp"

#include <utility>

#include "common/bytes.hpp"
#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/error.hpp"

namespace walferry::archive {
namespace {

/// Of a planted object only as much as there can be.
class BoundedText : public Receiver {
  public:
    explicit BoundedText(std::size_t most) : most_(most) {}
    void begin() override { text.clear(); }
    void announced(std::uint64_t length) override {
        if (length > most_) throw Error(ErrorKind::integrity, "it is larger than " + format_bytes(most_));
    }
    void write(Bytes bytes) override {
        announced(text.size() + bytes.size());
        text.append(as_text(bytes));
    }

    std::string text;

  private:
    const std::size_t most_;
};

}  // namespace

std::string read_plain(ObjectStore& store, const std::string& key, const std::string& sha256,
                       std::size_t most) {
    BoundedText receiver(most);
    store.get(key, receiver);
    Sha256 hash;
    hash.update(as_bytes(receiver.text));
    if (!hex(hash.finish()).starts_with(sha256))
        throw Error(ErrorKind::integrity, "its bytes do not hash to its name");
    return std::move(receiver.text);
}

}  // namespace walferry::archive
