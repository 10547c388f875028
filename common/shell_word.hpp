#pragma once
#include <string>
#include <string_view>

namespace walferry {

/// What a shell takes for that one word, whatever is in it.
std::string shell_word(std::string_view word);

/// As archive_command and restore_command want every % that is none of theirs.
std::string percents_doubled(std::string_view text);

}  // namespace walferry
