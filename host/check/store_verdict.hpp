#pragma once
#include "common/error.hpp"
#include "console/finding.hpp"

namespace walferry::check {

/// Which finding an error of a store is: a wrong key, a missing right, another region …
const char* store_finding_id(const Error& error);

/// Takes it down as a failure, with what the error itself advises. A remedy that the error does not bring
/// comes from the table.
void report_store_error(const Error& error, console::Findings& findings);

}  // namespace walferry::check
