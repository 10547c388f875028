#include "restore/tablespace_option.hpp"

#include "common/error.hpp"

namespace walferry::restore {
std::pair<std::string, std::string> parse_tablespace_option(std::string_view text) {
    std::pair<std::string, std::string> places;
    bool behind = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string& place = behind ? places.second : places.first;
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '=') {
            place += text[++i];
        } else if (!behind && text.substr(i).starts_with("=/")) {
            behind = true;
        } else {
            place += text[i];
        }
    }
    if (!places.first.starts_with('/') || !places.second.starts_with('/')) {
        throw Error(ErrorKind::usage, "--tablespace " + std::string(text) + " is not OLD=NEW",
                    "both are absolute paths; an = that is part of a path is written \\=");
    }
    return places;
}

std::string tablespace_option(const std::string& old_place, const std::string& new_place) {
    return escaped_place(old_place) + "=" + escaped_place(new_place);
}

std::string escaped_place(const std::string& path) {
    std::string text;
    for (const char c : path) text += c == '=' ? std::string("\\=") : std::string(1, c);
    return text;
}

}  // namespace walferry::restore
