#include "common/printable.hpp"

#include <array>
#include <cstdio>

namespace walferry {
namespace {

std::size_t announced_length(unsigned first) noexcept {
    return first >= 0xc2 && first < 0xe0   ? 2
           : first >= 0xe0 && first < 0xf0 ? 3
           : first >= 0xf0 && first < 0xf5 ? 4
                                           : 0;
}

struct Character {
    std::size_t length = 0;  // 0: no UTF-8
    char32_t code = 0;
};

Character first_character(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = at(0);
    if (first < 0x80) return {1, first};
    const std::size_t length = announced_length(first);
    if (length == 0 || text.size() < length) return {};
    char32_t code = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xc0U) != 0x80) return {};
        code = code << 6 | (at(i) & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate_or_beyond = (code >= 0xd800 && code < 0xe000) || code > 0x10ffff;
    return overlong || surrogate_or_beyond ? Character{} : Character{length, code};
}

bool is_printable(char32_t code) noexcept {
    const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const bool separates_lines = code == 0x2028 || code == 0x2029;
    const bool marks_direction = code == 0x061c || code == 0x200e || code == 0x200f;
    const bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return !control && !separates_lines && !marks_direction && !turns;
}

}  // namespace

std::size_t printable_length(std::string_view text) noexcept {
    const Character character = first_character(text);
    return is_printable(character.code) ? character.length : 0;
}

bool may_be_cut_off(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.size() >= announced_length(at(0))) return false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if ((at(i) & 0xc0U) != 0x80) return false;
    }
    return true;
}

std::string printable_text(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const Character character = first_character(text);
        const std::size_t length = character.length == 0 ? 1 : character.length;
        const char first = text.front();
        if (character.length > 0 && (is_printable(character.code) || first == '\n' || first == '\t')) {
            shown += text.substr(0, length);
        } else {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), character.length == 0 ? "\\x%02x" : "\\u%04x",
                          character.length == 0 ? static_cast<unsigned char>(first)
                                                : static_cast<unsigned>(character.code));
            shown += escaped.data();
        }
        text.remove_prefix(length);
    }
    return shown;
}

}  // namespace walferry
