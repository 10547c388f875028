#pragma once
#include <string>
#include <vector>

#include "common/os.hpp"

namespace walferry {

/// The names in a directory, in no order, without those that begin with a dot. Throws io.
std::vector<std::string> entries_of(const Directory& directory);

}  // namespace walferry
