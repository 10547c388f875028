#include "transfer/fetched_object.hpp"

#include <optional>
#include <utility>

#include "common/bytes.hpp"
#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::transfer {
namespace {

// A segment has 1 GiB at the most, and what is made of it is hardly larger. An index may be longer than that.
constexpr std::uint64_t largest = std::uint64_t{5} << 28;

class Arriving : public Receiver {
  public:
    Arriving(FetchedObject& object, MemoryBudget& budget, const std::string& work_dir)
        : object_(object), budget_(budget), work_dir_(work_dir) {}

    void begin() override {
        object_.body = std::make_unique<ObjectBuffer>(budget_.pool(), work_dir_);
        digest_.restart();
        checksum_.emplace();
    }
    void announced(std::uint64_t length) override {
        if (length > largest)
            throw Error(ErrorKind::integrity, "it is larger than any object: " + format_bytes(length));
    }
    void write(Bytes bytes) override {
        announced(object_.body->size() + bytes.size());
        digest_.update(bytes);
        checksum_->update(bytes);
        object_.body->write(bytes);
    }
    void finish() {
        object_.digest.sha256 = digest_.finish();
        object_.checksum = checksum_->digits();
    }

  private:
    FetchedObject& object_;
    MemoryBudget& budget_;
    const std::string& work_dir_;
    Sha256 digest_;
    std::optional<Fingerprint> checksum_ = std::make_optional<Fingerprint>();
};

}  // namespace

std::unique_ptr<FetchedObject> fetch_object(ObjectStore& store, const std::string& key,
                                            const std::string& sha256, MemoryBudget& budget,
                                            MemoryBudget::Share share, const std::string& work_dir) {
    auto object = std::make_unique<FetchedObject>(budget, std::move(share), work_dir);
    Arriving arriving(*object, budget, work_dir);
    store.get(key, arriving);
    arriving.finish();
    if (!hex(object->digest.sha256).starts_with(sha256))
        throw Error(ErrorKind::integrity, key + " does not hash to its name",
                    "`walferry verify --heal` replaces it from a store that has it sound");
    return object;
}

}  // namespace walferry::transfer
