#pragma once
#include <string>
#include <vector>

#include "common/os/os.hpp"

namespace walferry {

enum class DotNames { left_out, included };  // "." and ".." never are

/// The names in a directory, in no order. Throws io.
std::vector<std::string> entries_of(const Directory& directory, DotNames dot_names = DotNames::left_out);

}  // namespace walferry
