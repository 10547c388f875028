#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.hpp"

namespace walferry {

/// Standard alphabet, no padding, as age writes it.
std::string base64_encode(Bytes bytes);

/// nullopt for padding, line breaks, foreign characters, and any text but the one base64_encode would write.
std::optional<std::vector<std::byte>> base64_decode(std::string_view text);

}  // namespace walferry
