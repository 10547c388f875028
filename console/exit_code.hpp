#pragma once
#include "common/exit_code.hpp"

namespace walferry::console {

namespace exit_code = walferry::exit_code;

/// The one that a caller must hear of first: 2, then 3, 1, 5, 4, 0.
int worse_exit(int a, int b) noexcept;

}  // namespace walferry::console
