#pragma once
#include "common/codec/envelope.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/store/object_store.hpp"

namespace walferry::archive {

/// An object's envelope, checked as far as it can be without the segment (common/codec/envelope_tail.hpp);
/// from a store that gives no parts of objects, by reading all of it. Throws what the store or the codec
/// throws.
Envelope envelope_of(ObjectStore& store, const ObjectInfo& object, const DecodeOptions& options);

}  // namespace walferry::archive
