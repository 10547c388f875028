#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.hpp"

namespace walferry::restore {

/// What a backup manifest calls Checksum-Algorithm (PostgreSQL: common/checksum_helper.h).
enum class ChecksumAlgorithm { none, crc32c, sha224, sha256, sha384, sha512 };

/// In any case of letters, as PostgreSQL reads it. nullopt for an unknown one.
std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name);

/// The bytes that a checksum has; 0 for none.
std::size_t checksum_size(ChecksumAlgorithm algorithm) noexcept;

/// Of a file's bytes as they go by, in the manifest's form.
class FileChecksum {
  public:
    explicit FileChecksum(ChecksumAlgorithm algorithm);
    ~FileChecksum();
    FileChecksum(FileChecksum&&) noexcept;
    FileChecksum& operator=(FileChecksum&&) noexcept;

    void update(Bytes bytes);
    /// Lower-case hex digits; empty for `none`.
    std::string digits();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace walferry::restore
