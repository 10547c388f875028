#include "common/printable.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("what is printed commands no terminal, and stays what it says") {
    struct Row {
        const char* text;
        const char* shown;
    };
    const Row rows[] = {
        {"plain, tab\t and\nnewline", "plain, tab\t and\nnewline"},
        {"grün, €, 🦆", "grün, €, 🦆"},
        {"\x1b]52;c;aGk=\a", "\\u001b]52;c;aGk=\\u0007"},
        {"back\rover\bthere\x7f", "back\\u000dover\\u0008there\\u007f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"},
        {"a\u202eb\u2066c\u200fd\u061ce\u2028f", "a\\u202eb\\u2066c\\u200fd\\u061ce\\u2028f"},
        {"\xff\xc0\x80", "\\xff\\xc0\\x80"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
    };
    for (const Row& row : rows) {
        INFO(row.shown);
        CHECK(printable_text(row.text) == row.shown);
        CHECK(printable_text(printable_text(row.text)) == row.shown);
        CHECK(one_line(row.text).find('\x1b') == std::string::npos);
    }
    CHECK(one_line("a\nb\u200ec") == "a b???c");
}

TEST_CASE("a character that is cut between two pieces is told from one that never comes") {
    CHECK(may_be_cut_off("\xe2"));
    CHECK(may_be_cut_off("\xe2\x82"));
    CHECK(may_be_cut_off("\xf0\x9f\xa6"));
    CHECK_FALSE(may_be_cut_off("a"));
    CHECK_FALSE(may_be_cut_off("\xe2\x82\xac"));
    CHECK_FALSE(may_be_cut_off("\xe2z"));
    CHECK_FALSE(may_be_cut_off("\xff"));
}
