#include "common/wal/pg_control.hpp"

#include <algorithm>

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

void check_file(Bytes content) {
    std::uint64_t expected = 0;
    for (std::size_t i = 8; i-- > 0 && content.size() >= 8;)
        expected = expected << 8 | std::to_integer<unsigned>(content[i]);
    const MemoryFile file(content);
    const std::string error = error_of([&] {
        must(read_system_identifier(file.path()) == expected, "the identifier is the first eight bytes");
    });
    must(error.empty() == (expected != 0), "a file without an identifier is refused");
}

}  // namespace

/// The same bytes as a control file, as a path and as an identifier in digits.
void check(Bytes input) {
    check_file(input);
    const std::string text(as_text(input));
    const std::string beside = control_file_beside(text);
    must(beside.ends_with("/global/pg_control"), "a control file is called so");
    must(text.starts_with('/') == beside.starts_with('/'), "what is relative stays so");

    const auto number = parse_system_identifier(text);
    if (!number) return;
    const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size());
    must(*number != 0 && std::to_string(*number) == text.substr(zeros),
         "an identifier is a number in digits");
}

std::vector<std::string> seeds() {
    return {"/data/pg_wal/000000010000000000000001",
            "pg_wal/x",
            "x",
            "..",
            "./../pg_wal/.",
            "//",
            "/x",
            "a/./b//c",
            "7301234567890123456",
            "0",
            "18446744073709551616",
            "-1",
            std::string(8, '\0'),
            "\1\2\3\4\5\6\7\x10 and more"};
}

}  // namespace walferry::fuzz
