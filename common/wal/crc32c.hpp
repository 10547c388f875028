#pragma once
#include <cstdint>

#include "common/bytes.hpp"

namespace walferry {

/// CRC-32C as PostgreSQL uses it (port/pg_crc32c.h), of bytes that come in pieces.
class Crc32c {
  public:
    void update(Bytes bytes) noexcept;
    std::uint32_t value() const noexcept { return ~state_; }

  private:
    std::uint32_t state_ = 0xffffffff;
};

}  // namespace walferry
