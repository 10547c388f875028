#pragma once
#include <array>
#include <memory>

#include "common/bytes.hpp"

namespace walferry {

/// SHA-256 and MD5 as OpenSSL computes them, with the processor's own instructions: libsodium's SHA-256 takes
/// four times as long. Can be reused after finish().
template <std::size_t Size>
class Digest {
  public:
    Digest();
    ~Digest();
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;

    void update(Bytes bytes);
    std::array<std::byte, Size> finish();
    /// Forgets what came so far.
    void restart();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

using Sha256 = Digest<32>;
using Md5 = Digest<16>;

}  // namespace walferry
