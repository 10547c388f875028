#pragma once
#include "host/setup/setup.hpp"

namespace walferry::setup {

/// Where a pair of keys is made for somebody who names no file.
inline constexpr const char* usual_identity_file = "/root/walferry-identity.txt";

// What nobody gave is found out, or asked for. They throw usage where there is nobody to ask, and name the
// option.
void complete_stores(SetupOptions& options);
void complete_recipients(SetupOptions& options);
/// The server's place is found out where only one runs here.
void complete_conninfo(SetupOptions& options);

}  // namespace walferry::setup
