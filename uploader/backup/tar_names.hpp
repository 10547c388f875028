#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "common/bytes.hpp"

namespace walferry::backup {

/// What a tar holds, told while its bytes pass by in pieces of any size. It reads no content and refuses
/// nothing: the tar goes to the stores as it came.
class TarNames {
  public:
    /// `type` as in the header: '0' a file, '2' a symbolic link, '5' a directory. A directory's name has no
    /// slash at its end.
    using Seen = std::function<void(const std::string& name, char type)>;

    explicit TarNames(Seen seen) : seen_(std::move(seen)) {}
    void write(Bytes bytes);

  private:
    void read_header();

    const Seen seen_;
    std::array<std::byte, 512> header_{};
    std::size_t filled_ = 0;
    std::uint64_t skip_ = 0;  // content and padding before the next header
};

}  // namespace walferry::backup
