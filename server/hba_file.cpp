#include "server/hba_file.hpp"

#include <algorithm>
#include <vector>

namespace walferry::server {
namespace {

struct Token {
    std::size_t begin, end;  // in the line, with its quotes
    std::string text;        // without them
    bool quoted_first;       // a quoted @ or include is an ordinary word
};

/// PostgreSQL: next_token() in hba.c. Blanks and commas separate, quotes may begin anywhere, "" in quotes is
/// one quote, # begins a comment.
std::vector<Token> tokens_of(std::string_view line) {
    std::vector<Token> tokens;
    for (std::size_t at = 0; at < line.size();) {
        const char c = line[at];
        if (c == '#') break;
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v' || c == ',') {
            ++at;
            continue;
        }
        Token token{at, at, "", c == '"'};
        bool in_quotes = false;
        for (; at < line.size(); ++at) {
            const char now = line[at];
            const bool separates = now == ' ' || now == '\t' || now == '\r' || now == '\n' || now == '\f' ||
                                   now == '\v' || now == ',' || now == '#';
            if (separates && !in_quotes) break;
            if (now == '"' && in_quotes && at + 1 < line.size() && line[at + 1] == '"') {
                token.text += '"';
                ++at;
            } else if (now == '"') {
                in_quotes = !in_quotes;
            } else {
                token.text += now;
            }
        }
        token.end = at;
        tokens.push_back(std::move(token));
    }
    return tokens;
}

std::string quoted(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::optional<HbaReference> include_kind(const std::vector<Token>& tokens) {
    if (tokens.size() != 2 || tokens[0].quoted_first) return std::nullopt;
    if (tokens[0].text == "include") return HbaReference::include;
    if (tokens[0].text == "include_if_exists") return HbaReference::include_if_exists;
    if (tokens[0].text == "include_dir") return HbaReference::include_dir;
    return std::nullopt;
}

using Moved = std::function<std::optional<std::string>(HbaReference, const std::string&)>;

std::string rewrite_line(std::string_view line, const Moved& moved) {
    const std::vector<Token> tokens = tokens_of(line);
    std::string text(line);
    if (const auto kind = include_kind(tokens)) {
        const auto path = moved(*kind, tokens[1].text);
        if (!path) return "# before the restore: " + text;
        if (*path != tokens[1].text)
            text.replace(tokens[1].begin, tokens[1].end - tokens[1].begin, quoted(*path));
        return text;
    }
    // From the last one on, so that positions stay right.
    for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) {
        if (token->quoted_first || token->text.size() < 2 || token->text[0] != '@') continue;
        const std::string was = token->text.substr(1);
        const auto path = moved(HbaReference::list, was);
        if (path && *path != was) text.replace(token->begin, token->end - token->begin, "@" + quoted(*path));
    }
    return text;
}

}  // namespace

std::string rewrite_hba(std::string_view text, const Moved& moved) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        out += rewrite_line(text.substr(0, end), moved);
        if (end == std::string_view::npos) break;
        out += '\n';
        text.remove_prefix(end + 1);
    }
    return out;
}

}  // namespace walferry::server
