#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/codec/signing.hpp"

namespace walferry {

/// What a signature covers (docs/format.md, "The signature"): a text that says what is signed and in which
/// format, then values in a fixed order, each with its length in four bytes before it.
class SignedText {
  public:
    explicit SignedText(std::string_view domain) { add(domain); }

    SignedText& add(std::string_view value);
    SignedText& add(std::uint64_t value);

    const std::string& bytes() const noexcept { return bytes_; }

    /// Base64 without padding.
    std::string sign(const WriterKey& writer) const;

    struct Refusal {
        std::string what;           // "it", "the object with NAME"
        std::string hint_unsigned;  // where a signature is wanted and there is none
        std::string hint_changed;   // where it does not fit
    };
    /// Throws integrity unless `signature` is by `writer` and that is one of `trusted_writers`. Where there
    /// are none of those, a missing signature will do, and only one that does not fit is refused.
    void check(const std::string& writer, const std::string& signature,
               const std::vector<std::string>& trusted_writers, const Refusal& refusal) const;

  private:
    std::string bytes_;
};

}  // namespace walferry
