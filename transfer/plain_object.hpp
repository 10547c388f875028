#pragma once
#include <cstdint>
#include <string>

#include "common/store/object_store.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::transfer {

/// A short text that is stored as it is.
class PlainObject : public Body {
  public:
    explicit PlainObject(std::string text);

    std::uint64_t size() const noexcept override { return text_.size(); }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override;

    /// 64 hex digits.
    std::string sha256() const { return hex(digest_.sha256); }
    Outgoing at(std::string key) const { return {std::move(key), *this, digest_, checksum_}; }

  private:
    const std::string text_;
    BodyDigest digest_{};
    std::string checksum_;
};

}  // namespace walferry::transfer
