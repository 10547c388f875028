#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// What a single value of the configuration may look like. A rule looks at a value, may bring it into its
/// usual form, and says what is wrong with it and what would be right; an empty answer means that nothing is.
namespace walferry::value_rule {

std::string short_name(std::string& value);  // of a cluster or a store: part of every key and many messages
std::string absolute_path(std::string& value);  // trailing slashes go
std::string file_name(std::string& value);      // may be relative
std::string endpoint(std::string& value);       // scheme://host[:port]
std::string region(std::string& value);
std::string bucket(std::string& value);
std::string prefix(std::string& value);
std::string recipient(std::string& value);  // the shape only; the checksum is the codec's to verify
std::string writer(std::string& value);     // likewise
std::string conninfo(std::string& value);

}  // namespace walferry::value_rule

namespace walferry {

/// "500ms", "5s", "2m", "1h" or plain seconds: "5".
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// "30d", "12h", "4w": a unit has to be there, and none that may mean minutes or months.
std::optional<std::chrono::milliseconds> parse_period(std::string_view text) noexcept;

/// True for localhost, names below it and the loopback addresses: where plain http reaches no network.
bool is_loopback_endpoint(std::string_view endpoint);

/// True where the endpoint names an address, which no bucket name can be put in front of.
bool is_address_endpoint(std::string_view endpoint);

}  // namespace walferry
