#include "server/sql_text.hpp"

#include <string_view>

namespace walferry::server {
namespace {

std::string quoted(const std::string& text, char quote, std::string_view doubled) {
    std::string out(1, quote);
    for (const char c : text) out.append(doubled.find(c) == std::string_view::npos ? 1 : 2, c);
    return out + quote;
}

}  // namespace

std::string sql_literal(const std::string& text) {
    return text.find('\\') == std::string::npos ? quoted(text, '\'', "'") : "E" + quoted(text, '\'', "'\\");
}

std::string sql_name(const std::string& text) {
    return quoted(text, '"', "\"");
}

}  // namespace walferry::server
