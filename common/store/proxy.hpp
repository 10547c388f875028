#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace walferry {

/// A variable of the environment; empty where it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string process_environment(const char* name);

/// The proxy that libcurl takes for a URL, as people can find it: "proxy:3128, which https_proxy in the
/// environment names". Without user and password. Empty where there is none.
std::string proxy_for(std::string_view url, const Environment& environment);

/// For a message about a request to that URL: " (by way of the proxy …)", or nothing.
std::string by_way_of_proxy(std::string_view url);

}  // namespace walferry
