#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/codec/segment_codec.hpp"
#include "common/store/object_buffer.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "transfer/memory_budget.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::transfer {

/// An object on its way to the stores, in memory or in an unnamed file in work_dir, shared by all that send
/// it: its memory is free when the last one lets go.
struct EncodedObject {
    EncodedObject(MemoryBudget& budget, MemoryBudget::Share taken, const std::string& work_dir)
        : share(std::move(taken)), body(budget.pool(), work_dir) {}

    Outgoing at(std::string key) const { return {std::move(key), body, digest, checksum}; }

    MemoryBudget::Share share;  // first, so that it is given back after the memory; may be empty
    ObjectBuffer body;
    ObjectName name;
    BodyDigest digest{};
    std::string checksum;            // XXH3-128 of the object
    std::uint64_t content_size = 0;  // before it was encoded
    std::optional<WalFacts> facts;   // of a WAL segment
};

/// Makes objects of segments, of a backup's pieces and of short texts, as the configuration wants them. For
/// one thread.
class ObjectEncoder {
  public:
    /// What does not fit into memory goes to `work_dir`; where that is empty, everything stays in memory.
    ObjectEncoder(const EncodeOptions& options, MemoryBudget& budget, std::string work_dir = {});

    /// See SegmentEncoder for `read`, `envelope` and what is thrown. `name` is what the object's own name
    /// begins with. Of `share` the object keeps what it needs.
    std::shared_ptr<EncodedObject> encode(const std::function<std::size_t(MutableBytes)>& read,
                                          const Envelope& envelope, const std::string& name,
                                          MemoryBudget::Share share);
    /// The same for a short content at hand, which no budget needs to count. Size and fingerprint are filled
    /// in.
    std::shared_ptr<EncodedObject> encode(Bytes content, Envelope envelope, const std::string& name);

  private:
    SegmentEncoder encoder_;
    MemoryBudget& budget_;
    const std::string work_dir_;
    const std::string recipients_;
    const bool encrypted_;
};

}  // namespace walferry::transfer
