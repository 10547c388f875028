#pragma once
#include <string>

#include "maintenance/verify/verify.hpp"

namespace walferry::verify {

/// What a run has found, for people and for programs.
std::string verify_text(const VerifyResult& result);
std::string verify_json(const VerifyResult& result);

/// Pure: the line that is shown meanwhile.
std::string verify_line(const VerifyView& view, std::chrono::milliseconds elapsed);

}  // namespace walferry::verify
