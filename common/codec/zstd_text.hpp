#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "common/bytes.hpp"

namespace walferry {

/// One zstd frame with its content's size and a checksum, as `zstd -d` reads it.
std::string compress_text(std::string_view text);

/// Throws integrity for anything but one whole frame that says its size, which is at most `most`.
std::string expand_text(Bytes frame, std::size_t most);

}  // namespace walferry
