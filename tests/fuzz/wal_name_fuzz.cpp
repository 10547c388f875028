#include "common/wal/wal_name.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/wal/wal_header.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

/// The name of its parts, the way PostgreSQL prints it.
std::string printed(const WalName& name) {
    std::array<char, 32> text{};
    if (name.kind == WalKind::history) {
        std::snprintf(text.data(), text.size(), "%08X.history", name.timeline);
        return text.data();
    }
    std::snprintf(text.data(), text.size(), "%08X%08X%08X", name.timeline, name.log, name.seg);
    switch (name.kind) {
        case WalKind::partial:
            return std::string(text.data()) + ".partial";
        case WalKind::backup:
            return std::string(text.data()) + name.text.substr(24, 9) + ".backup";
        default:
            return text.data();
    }
}

void check_positions(const WalName& name) {
    for (std::uint64_t size = min_segment_size; size <= max_segment_size; size *= 2) {
        const auto start = name.start_lsn(size);
        must(!start ||
                 (*start % size == 0 && *start >> 32 == name.log && (*start & 0xffffffff) / size == name.seg),
             "a segment begins where its name says");
    }
}

}  // namespace

void check(Bytes input) {
    const auto name = WalName::parse(as_text(input));
    if (!name) return;
    must(name->text == as_text(input) && printed(*name) == as_text(input),
         "a name that is understood prints back");
    must(name->timeline != 0, "there is no timeline 0");
    must(std::all_of(name->text.begin(), name->text.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != '/'; }),
         "a name is safe as the name of a file");
    must(name->timeline_digits() == name->text.substr(0, 8), "a name begins with its timeline");
    if (name->kind != WalKind::history) check_positions(*name);
}

std::vector<std::string> seeds() {
    return {"000000010000000000000001",
            "0000000A00000001000000FF.partial",
            "00000002.history",
            "000000010000000000000001.00000028.backup",
            "000000000000000000000001",
            "00000001000000000000000a",
            "00000001000000000000000Z",
            "000000010000000000000001.backup",
            "00000001.histor",
            "FFFFFFFFFFFFFFFFFFFFFFFF",
            "000000010000000000000001/../x",
            "archive_status"};
}

}  // namespace walferry::fuzz
