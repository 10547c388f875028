#include "common/spool/spooled_name.hpp"

#include <utility>

namespace walferry {

std::string SpooledName::text() const {
    return fingerprint.empty() ? name.text : name.text + "-" + fingerprint;
}

std::optional<SpooledName> SpooledName::parse(std::string_view text) {
    constexpr std::size_t digits = 32;
    SpooledName spooled;
    if (text.size() > digits + 1 && text[text.size() - digits - 1] == '-') {
        spooled.fingerprint = text.substr(text.size() - digits);
        text.remove_suffix(digits + 1);
        if (spooled.fingerprint.find_first_not_of("0123456789abcdef") != std::string::npos)
            return std::nullopt;
    }
    auto name = WalName::parse(text);
    if (!name) return std::nullopt;
    spooled.name = *std::move(name);
    return spooled;
}

}  // namespace walferry
