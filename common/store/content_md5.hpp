#pragma once
#include <string>

#include "common/store/body.hpp"

namespace walferry {

/// The value of a Content-MD5 header: reads the body once. Throws what reading it throws.
std::string content_md5(const Body& body);

}  // namespace walferry
