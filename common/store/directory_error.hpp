#pragma once
#include <string>

#include "common/error.hpp"

namespace walferry {

/// What a failed system call on a directory store means for it. `doing` is "store nas: put KEY".
Error directory_error(const Error& error, const std::string& doing, const std::string& path);

}  // namespace walferry
