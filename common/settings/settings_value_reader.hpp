#pragma once
#include <toml++/toml.h>

#include <string>

#include "common/settings/settings_keys.hpp"

namespace walferry {

/// Where relative file names are looked for: the credentials directory first, where it is given and has the
/// file.
struct FileNameBase {
    std::string credentials_directory;
    std::string folder;
};

/// Each fills `out` from a value and says what is wrong with it; an empty answer means nothing. What is wrong
/// leaves `out` as it was.
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, std::string& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base,
                 std::vector<std::string>& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, int& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, bool& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base,
                 std::chrono::milliseconds& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, std::uint64_t& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, Addressing& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, StandbyRule& out);
std::string take(const toml::node& node, const KeySpec& spec, const FileNameBase& base, StoreType& out);

}  // namespace walferry
