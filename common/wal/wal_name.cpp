#include "common/wal/wal_name.hpp"

#include <array>
#include <cstdio>

namespace walferry {
namespace {

constexpr std::uint64_t xlog_id_bytes = std::uint64_t{1} << 32;

std::optional<std::uint32_t> upper_hex8(std::string_view text) noexcept {
    std::uint32_t value = 0;
    for (const char c : text.substr(0, 8)) {
        std::uint32_t digit = 0;
        if (c >= '0' && c <= '9') {
            digit = static_cast<std::uint32_t>(c - '0');
        } else if (c >= 'A' && c <= 'F') {
            digit = static_cast<std::uint32_t>(c - 'A') + 10;
        } else {
            return std::nullopt;
        }
        value = value << 4 | digit;
    }
    return text.size() < 8 ? std::nullopt : std::optional(value);
}

}  // namespace

std::string_view to_string(WalKind kind) noexcept {
    static constexpr std::array<std::string_view, 4> names{"wal", "partial", "history", "backup"};
    return names[static_cast<std::size_t>(kind)];
}

std::optional<WalName> WalName::parse(std::string_view text) {
    const auto timeline = upper_hex8(text);
    if (!timeline || *timeline == 0) return std::nullopt;
    if (text.substr(8) == ".history") return WalName{std::string(text), WalKind::history, *timeline, 0, 0};

    if (text.size() < 24) return std::nullopt;
    const auto log = upper_hex8(text.substr(8));
    const auto seg = upper_hex8(text.substr(16));
    if (!log || !seg) return std::nullopt;
    const std::string_view rest = text.substr(24);
    const bool backup =
        rest.size() == 16 && rest[0] == '.' && upper_hex8(rest.substr(1)) && rest.substr(9) == ".backup";
    if (rest.empty()) return WalName{std::string(text), WalKind::segment, *timeline, *log, *seg};
    if (rest == ".partial") return WalName{std::string(text), WalKind::partial, *timeline, *log, *seg};
    if (backup) return WalName{std::string(text), WalKind::backup, *timeline, *log, *seg};
    return std::nullopt;
}

WalName WalName::segment_at(std::uint32_t timeline, std::uint64_t lsn, std::uint64_t segment_size) {
    const std::uint64_t number = lsn / segment_size;
    const auto log = static_cast<std::uint32_t>(number / (xlog_id_bytes / segment_size));
    const auto seg = static_cast<std::uint32_t>(number % (xlog_id_bytes / segment_size));
    std::array<char, 25> text{};
    std::snprintf(text.data(), text.size(), "%08X%08X%08X", timeline, log, seg);
    return {text.data(), WalKind::segment, timeline, log, seg};
}

std::optional<std::uint64_t> WalName::start_lsn(std::uint64_t segment_size) const noexcept {
    if (segment_size == 0 || seg >= xlog_id_bytes / segment_size) return std::nullopt;
    return log * xlog_id_bytes + seg * segment_size;
}

}  // namespace walferry
