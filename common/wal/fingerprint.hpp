#pragma once
#include <memory>
#include <string>

#include "common/bytes.hpp"

namespace walferry {

/// XXH3-128 of a segment's bytes, seed 0, in xxHash's canonical (big-endian) form: 32 lower-case hex digits,
/// the same as `xxhsum -H2` prints. Tells contents apart; it is no protection against forgery.
class Fingerprint {
  public:
    Fingerprint();
    ~Fingerprint();
    Fingerprint(const Fingerprint&) = delete;
    Fingerprint& operator=(const Fingerprint&) = delete;

    void update(Bytes bytes) noexcept;
    std::string digits() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace walferry
