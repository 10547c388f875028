#include "transfer/put_verified.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "common/error.hpp"
#include "common/sleep.hpp"
#include "common/store/read_back.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::transfer {
namespace {

/// What came back, held against what was sent.
struct Comparison {
    bool same = false;
    std::uint64_t size = 0;  // of what came back, or was announced
};

struct TooLong {
    std::uint64_t size;
};

class ComparingReceiver : public Receiver {
  public:
    explicit ComparingReceiver(const Body& sent) : sent_(sent) {}

    void begin() override {
        checksum_.emplace();
        size_ = 0;
        same_ = true;
    }
    void announced(std::uint64_t length) override {
        if (length > sent_.size()) throw TooLong{length};
    }
    void write(Bytes bytes) override {
        announced(size_ + bytes.size());
        checksum_->update(bytes);
        for (Bytes rest = bytes; same_ && !rest.empty();) {
            const std::size_t n =
                sent_.read_at(size_ + (bytes.size() - rest.size()),
                              MutableBytes(block_).first(std::min(block_.size(), rest.size())));
            same_ = n > 0 && std::memcmp(block_.data(), rest.data(), n) == 0;
            rest = rest.subspan(n);
        }
        size_ += bytes.size();
    }
    Comparison result(const std::string& checksum) const {
        return {same_ && size_ == sent_.size() && checksum_->digits() == checksum, size_};
    }

  private:
    const Body& sent_;
    std::optional<Fingerprint> checksum_ = std::make_optional<Fingerprint>();
    std::uint64_t size_ = 0;
    bool same_ = true;
    std::array<std::byte, 64 * 1024> block_{};
};

Comparison compare(ObjectStore& store, const Outgoing& object) {
    ComparingReceiver receiver(object.body);
    try {
        store.get(object.key, receiver);
    } catch (const TooLong& longer) {
        return {false, longer.size};
    }
    return receiver.result(object.checksum);
}

Comparison hash(ObjectStore& store, const Outgoing& object) {
    const ReadBack seen = read_back(store, object.key, object.body.size());
    return {seen.size == object.body.size() && seen.sha256 == hex(object.digest.sha256) &&
                seen.checksum == object.checksum,
            seen.size};
}

/// nullopt where the object is not there.
template <class Look>
std::optional<Comparison> if_there(Look look) {
    try {
        return look();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        return std::nullopt;
    }
}

/// The error that one copy ends with, if any.
std::optional<Error> try_copy(ObjectStore& store, const Outgoing& object, const Sending& sending) {
    store.put(object.key, object.body, object.digest);
    if (sending.taken) sending.taken();
    const auto at_once = if_there([&] { return compare(store, object); });
    if (at_once && at_once->same) return std::nullopt;
    if (!sleep_unless_stopped(sending.stop, sending.pause))
        throw Error(ErrorKind::interrupted, "stopped while reading back " + sending.shown);
    const auto later = if_there([&] { return hash(store, object); });
    if (later && later->same) return std::nullopt;
    if (!later) {
        return Error(ErrorKind::not_found, sending.shown + " was taken and is not there when it is read back",
                     sending.next +
                         ". If this goes on, look for what removes objects: a lifecycle rule, a cleaner, a "
                         "broken replica, a proxy that answers in the store's place");
    }
    std::string message = sending.shown + " came back with other bytes than were sent";
    if (later->size != object.body.size()) {
        message +=
            " (" + std::to_string(later->size) + " instead of " + std::to_string(object.body.size()) + ")";
    }
    return Error(ErrorKind::integrity, message,
                 "it does not count as stored; " + sending.next +
                     ". If this goes on, look into the store, and at proxies on the way");
}

}  // namespace

void put_verified(ObjectStore& store, const Outgoing& object, const Sending& sending) {
    for (int copy = 1;; ++copy) {
        const std::optional<Error> failure = try_copy(store, object, sending);
        if (!failure) return;
        if (copy >= sending.copies) throw *failure;
    }
}

}  // namespace walferry::transfer
