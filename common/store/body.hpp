#pragma once
#include <cstdint>

#include "common/bytes.hpp"

namespace walferry {

/// Bytes of a known length that can be read again from any offset, by several threads at once: what a store
/// sends, and sends once more when an attempt failed.
class Body {
  public:
    virtual ~Body() = default;
    virtual std::uint64_t size() const noexcept = 0;
    /// Fills `out` from `offset`; returns how many bytes were read, less than out.size() only at the end.
    virtual std::size_t read_at(std::uint64_t offset, MutableBytes out) const = 0;
};

}  // namespace walferry
