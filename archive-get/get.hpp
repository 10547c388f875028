#pragma once
#include "archive-get/exit_code.hpp"
#include "archive-get/options.hpp"

namespace walferry::get {

/// Brings the file to its destination, or says on stderr why not. Throws Error for what keeps it from trying.
Outcome get(const Options& options);

}  // namespace walferry::get
