#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "common/bytes.hpp"

namespace walferry {

/// 32 secret bytes in memory of their own that is locked against swapping where the host allows it, kept out
/// of core dumps, and wiped when it goes. Can be moved, not copied.
class SecretKey {
  public:
    static constexpr std::size_t size = 32;

    SecretKey();
    Bytes bytes() const noexcept { return {data_.get(), size}; }
    std::span<std::byte, size> fill() noexcept { return std::span<std::byte, size>(data_.get(), size); }

  private:
    struct Free {
        void operator()(std::byte* data) const noexcept;
    };
    std::unique_ptr<std::byte, Free> data_;
};

/// For secrets that live for one call: an array that is wiped when it goes out of scope.
template <std::size_t N>
class Wiped {
  public:
    Wiped() = default;
    ~Wiped();
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;

    static constexpr std::size_t size() noexcept { return N; }
    Bytes bytes() const noexcept { return bytes_; }
    std::span<std::byte, N> fill() noexcept { return bytes_; }

  private:
    std::array<std::byte, N> bytes_{};
};

void wipe(MutableBytes bytes) noexcept;

template <std::size_t N>
Wiped<N>::~Wiped() {
    wipe(bytes_);
}

/// Must have succeeded before anything of libsodium is used; cheap to call again. Throws internal.
void require_sodium();

}  // namespace walferry
