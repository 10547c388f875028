#include "maintenance/verify/named_hash.hpp"

#include <algorithm>
#include <array>

#include "common/bytes.hpp"

namespace walferry::verify {

std::optional<std::string> hash_in_name(std::string_view key) {
    static constexpr std::array<std::string_view, 4> suffixes{".zst.age", ".zst", ".json", ".json.zst"};
    const std::size_t dash = key.rfind('-');
    if (dash == key.npos) return std::nullopt;
    const std::string_view rest = key.substr(dash + 1);
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view digits = rest.substr(0, dot);
    if (!is_lower_hex(digits, 32) && !is_lower_hex(digits, 64)) return std::nullopt;
    if (std::find(suffixes.begin(), suffixes.end(), rest.substr(dot)) == suffixes.end()) return std::nullopt;
    return std::string(digits);
}

}  // namespace walferry::verify
