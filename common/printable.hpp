#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace walferry {

/// The length in bytes of the UTF-8 character that `text` begins with; 0 for a control character, also one of
/// the second set (0x9b begins an escape sequence as ESC [ does), a mark or change of direction, or no UTF-8
/// at all.
std::size_t printable_length(std::string_view text) noexcept;

/// Whether `text`, of 1 to 3 bytes, may be the beginning of a character that is not there whole.
bool may_be_cut_off(std::string_view text) noexcept;

/// What a terminal, or a reader of JSON, can be given: newline and tab stay, a character that is not
/// printable becomes \uXXXX, as JSON writes it, and a byte that is no UTF-8 becomes \xXX.
std::string printable_text(std::string_view text);

}  // namespace walferry
