#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "common/store/object_name.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::expire {

/// What a WAL object's key says, in 48 bytes: a store has millions.
class WalKey {
  public:
    WalKey(const WalName& name, const ObjectName& object);

    /// The object's key again.
    std::string key(const ObjectKeys& keys) const;
    /// Where the segment lies: its name's two last parts.
    std::uint64_t position() const noexcept { return std::uint64_t{log_} << 32 | seg_; }

  private:
    std::array<std::uint8_t, 16> fingerprint_{}, sha256_{};
    std::array<std::uint8_t, 4> recipients_{};
    std::uint32_t timeline_, log_, seg_;
    std::uint32_t offset_ = 0;  // of a backup history file
    WalKind kind_;
    bool encrypted_;
};

}  // namespace walferry::expire
