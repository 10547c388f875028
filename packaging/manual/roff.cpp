#include "packaging/manual/roff.hpp"

#include <algorithm>

namespace walferry::manual {
namespace {

/// What stands between two backquotes is bold, as a command is on a page.
std::string with_bold(std::string_view text) {
    std::string out;
    bool bold = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('`'), text.size());
        const std::string piece = Roff::escaped(text.substr(0, end));
        out += bold ? "\\fB" + piece + "\\fR" : piece;
        text.remove_prefix(std::min(end + 1, text.size()));
        bold = !bold;
    }
    return out;
}

}  // namespace

Roff::Roff(const std::string& name, const std::string& section, const std::string& title) {
    line(".TH " + escaped(name) + " " + section + " \"\" \"walferry " WALFERRY_VERSION "\" \"" + title +
         "\"");
}

void Roff::section(std::string_view title) {
    line(".SH " + escaped(title));
}

void Roff::subsection(std::string_view title) {
    line(".SS " + escaped(title));
}

void Roff::text(std::string_view paragraphs) {
    while (!paragraphs.empty()) {
        const std::size_t end = std::min(paragraphs.find("\n\n"), paragraphs.size());
        const std::string_view paragraph = paragraphs.substr(0, end);
        paragraphs.remove_prefix(std::min(end + 2, paragraphs.size()));
        if (paragraph.find_first_not_of(" \n") == std::string_view::npos) continue;
        if (paragraph.starts_with(' ')) {
            example(paragraph);
        } else {
            line(".PP");
            filled(paragraph);
        }
    }
}

void Roff::entry(const std::string& tag, std::string_view help) {
    line(".TP");
    line(tag);
    filled(help);
}

void Roff::paragraph(const std::string& roff) {
    line(".PP");
    line(roff);
}

void Roff::example(std::string_view lines) {
    line(".PP");
    line(".RS 4");
    line(".EX");
    const std::size_t indent = std::min(lines.find_first_not_of(' '), lines.size());
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        std::string_view one = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
        one.remove_prefix(std::min({indent, one.find_first_not_of(' '), one.size()}));
        line(escaped(one));
    }
    line(".EE");
    line(".RE");
}

std::string Roff::escaped(std::string_view text) {
    std::string out;
    if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
    for (const char c : text) {
        switch (c) {
            case '\\':
                out += "\\e";
                break;
            case '-':
                out += "\\-";
                break;
            case '\'':
                out += "\\(aq";
                break;
            case '`':
                out += "\\(ga";
                break;
            case '^':
                out += "\\(ha";
                break;
            case '~':
                out += "\\(ti";
                break;
            case '"':
                out += "\\(dq";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string Roff::bold(std::string_view text) {
    return "\\fB" + escaped(text) + "\\fR";
}

std::string Roff::italic(std::string_view text) {
    return "\\fI" + escaped(text) + "\\fR";
}

void Roff::line(const std::string& roff) {
    page_ += roff + "\n";
}

void Roff::filled(std::string_view paragraph) {
    std::string roff = with_bold(paragraph);
    for (std::size_t begin = 0; begin < roff.size();) {
        const std::size_t end = std::min(roff.find('\n', begin), roff.size());
        std::string one = roff.substr(begin, end - begin);
        one.erase(0, one.find_first_not_of(' '));
        if (one.starts_with('.')) one.insert(0, "\\&");
        if (!one.empty()) line(one);
        begin = end + 1;
    }
}

}  // namespace walferry::manual
