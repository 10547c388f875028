#include "common/wal/fingerprint.hpp"

// Inlined, so that no program has to link the library for one function.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace walferry {

struct Fingerprint::State {
    XXH3_state_t xxh;
};

Fingerprint::Fingerprint() : state_(std::make_unique<State>()) {
    XXH3_128bits_reset(&state_->xxh);
}
Fingerprint::~Fingerprint() = default;

void Fingerprint::update(Bytes bytes) noexcept {
    XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

std::string Fingerprint::digits() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
    return hex(std::as_bytes(std::span(canonical.digest)));
}

}  // namespace walferry
