#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace walferry::verify {

/// The hash that an object's key ends in, "…-SHA256.SUFFIX": the first 32 hex digits of the SHA-256 of its
/// bytes, or all 64. nullopt for what is no object of walferry's, or names no hash.
std::optional<std::string> hash_in_name(std::string_view key);

}  // namespace walferry::verify
