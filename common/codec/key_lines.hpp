#pragma once
#include <algorithm>
#include <cstddef>
#include <string_view>

namespace walferry {

/// Calls visit(line, number) for each line of a key file that is neither empty nor a comment ("#"). The text
/// may be secret, so nothing of it is copied.
template <typename Visit>
void for_each_key_line(std::string_view text, Visit visit) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!line.empty() && line.front() != '#') visit(line, number);
    }
}

}  // namespace walferry
