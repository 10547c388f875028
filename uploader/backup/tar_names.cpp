#include "uploader/backup/tar_names.hpp"

#include <algorithm>
#include <string_view>

namespace walferry::backup {
namespace {

constexpr std::uint64_t block = 512;

std::string_view field(std::string_view header, std::size_t at, std::size_t length) {
    const std::string_view whole = header.substr(at, length);
    return whole.substr(0, whole.find('\0'));
}

/// Octal digits, or, for 8 GiB and more, binary with the top bit set.
std::uint64_t number(std::string_view field) {
    std::uint64_t value = 0;
    if ((static_cast<unsigned char>(field.front()) & 0x80U) != 0) {
        for (const char c : field.substr(1)) value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }
    for (const char c : field) {
        if (c >= '0' && c <= '7') value = value << 3 | static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

}  // namespace

void TarNames::write(Bytes bytes) {
    while (!bytes.empty()) {
        const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
        skip_ -= skipped;
        bytes = bytes.subspan(skipped);
        const std::size_t taken = std::min(header_.size() - filled_, bytes.size());
        std::copy_n(bytes.begin(), taken, header_.begin() + static_cast<std::ptrdiff_t>(filled_));
        bytes = bytes.subspan(taken);
        filled_ += taken;
        if (filled_ < header_.size()) return;
        filled_ = 0;
        read_header();
    }
}

void TarNames::read_header() {
    const std::string_view header = as_text(header_);
    if (header.front() == '\0') return;  // the end
    std::string name(field(header, 0, 100));
    if (const auto prefix = field(header, 345, 155); !prefix.empty() && header.substr(257, 5) == "ustar")
        name = std::string(prefix) + "/" + name;
    if (name.starts_with("./")) name.erase(0, 2);
    while (name.ends_with('/')) name.pop_back();
    const char type = header[156] == '\0' ? '0' : header[156];
    if (type == '0') skip_ = (number(header.substr(124, 12)) + block - 1) / block * block;
    seen_(name, type);
}

}  // namespace walferry::backup
