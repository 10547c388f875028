#include "common/wal/wal_header.hpp"

#include <cstring>

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

std::string header_bytes(const WalHeader& header) {
    std::string text(WalHeader::bytes, '\0');
    const auto put = [&](auto value, std::size_t offset) {
        std::memcpy(text.data() + offset, &value, sizeof value);
    };
    put(header.magic, 0);
    put(header.info, 2);
    put(header.timeline, 4);
    put(header.page_address, 8);
    put(header.system_identifier, 24);
    put(header.segment_size, 32);
    put(header.block_size, 36);
    return text;
}

WalName name_of(Choices& choices) {
    WalName name{"", choices.byte() % 2 == 0 ? WalKind::segment : WalKind::partial, 0, 0, 0};
    name.timeline = static_cast<std::uint32_t>(choices.number(4));
    name.log = static_cast<std::uint32_t>(choices.number(4));
    name.seg = static_cast<std::uint32_t>(choices.number(4));
    return name;
}

}  // namespace

/// The name's parts, the file's size (as a power of two, unless that is 0), then the beginning of the file.
void check(Bytes input) {
    Choices choices(input);
    const WalName name = name_of(choices);
    const std::size_t power = choices.byte() % 40;
    const std::uint64_t size = power == 0 ? choices.number(8) : std::uint64_t{1} << power;
    const auto header = WalHeader::parse(choices.rest());
    must(header.has_value() == (choices.rest().size() >= WalHeader::bytes),
         "a header needs its bytes and no more");
    if (!header) return;
    std::string raw(choices.text().substr(0, WalHeader::bytes));
    raw.replace(16, 8, 8, '\0');  // a field that nobody reads, and padding
    must(header_bytes(*header) == raw, "a header's numbers are those of the file");

    // Judged by the identifier it has, and by another cluster's.
    const auto wrong = disagreement(*header, name, size, header->system_identifier);
    must(disagreement(*header, name, size, header->system_identifier + 1).has_value(),
         "another cluster's segment is refused");
    if (wrong) return must(!wrong->empty(), "a refusal says what differs");
    must(size >= min_segment_size && size <= max_segment_size && (size & (size - 1)) == 0 &&
             size == header->segment_size,
         "what agrees has a segment's size");
    must(header->page_address == name.start_lsn(size) && header->timeline <= name.timeline,
         "what agrees lies where its name says");
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    WalHeader good;
    good.magic = 0xD110;
    good.info = WalHeader::long_header_flag;
    good.timeline = 1;
    good.page_address = 0x1'2A000000;
    good.system_identifier = 7301234567890123456;
    good.segment_size = 16 << 20;
    good.block_size = 8192;
    const std::string name = "\0\0\0\0\1\0\0\0\1\0\0\0\x2A"s;
    std::vector<std::string> all{name + "\x18" + header_bytes(good),
                                 name + "\x18" + header_bytes(good).substr(1)};
    good.info = 0;
    all.push_back(name + "\x18" + header_bytes(good));
    good.info = 3;
    good.segment_size = 1 << 20;
    all.push_back(name + "\0\0\0\0\0\0\x10\0\0"s + header_bytes(good));
    return all;
}

}  // namespace walferry::fuzz
