#include "common/wal/backup_name.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "common/bytes.hpp"

namespace walferry {
namespace {

constexpr std::size_t piece_digits = 8;

bool is_digits(std::string_view text) noexcept {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "20261124T121314Z" in the form that parse_time() knows.
std::string spread_out(std::string_view compact) {
    const auto part = [&](std::size_t at, std::size_t size) { return std::string(compact.substr(at, size)); };
    return part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + part(8, 1) + part(9, 2) + ":" + part(11, 2) +
           ":" + part(13, 2) + ".000" + part(15, std::string_view::npos);
}

}  // namespace

BackupId BackupId::make(WallTime started, std::uint32_t random) {
    std::string text;
    for (const char c : format_time(started).substr(0, 19)) {
        if (c != '-' && c != ':') text += c;
    }
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "Z-%08x", random);
    return {text + digits.data()};
}

std::optional<BackupId> BackupId::parse(std::string_view text) {
    static constexpr std::size_t time_size = 16;
    if (text.size() != time_size + 9 || text[time_size] != '-') return std::nullopt;
    if (!parse_time(spread_out(text.substr(0, time_size)))) return std::nullopt;
    if (!is_lower_hex(text.substr(time_size + 1), 8)) return std::nullopt;
    return BackupId{std::string(text)};
}

bool is_backup_stream(std::string_view name) noexcept {
    if (name == BackupPart::base_stream || name == BackupPart::manifest_stream ||
        name == BackupPart::config_stream) {
        return true;
    }
    std::uint32_t oid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), oid);
    return is_digits(name) && name.front() != '0' && error == std::errc() && end == name.data() + name.size();
}

std::string BackupPart::text() const {
    if (is_label()) return std::string(label_stream);
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), ".%08u", number);
    return stream + digits.data();
}

std::optional<BackupPart> BackupPart::parse(std::string_view text) {
    if (text == label_stream) return label();
    const std::size_t dot = text.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(dot + 1);
    if (digits.size() != piece_digits || !is_digits(digits)) return std::nullopt;
    if (!is_backup_stream(text.substr(0, dot))) return std::nullopt;
    BackupPart part{std::string(text.substr(0, dot)), 0};
    std::from_chars(digits.data(), digits.data() + digits.size(), part.number);
    return part;
}

std::optional<BackupObject> BackupObject::parse(std::string_view text) {
    static constexpr std::string_view folder = "backup/";
    if (!text.starts_with(folder)) return std::nullopt;
    text.remove_prefix(folder.size());
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto id = BackupId::parse(text.substr(0, slash));
    auto part = BackupPart::parse(text.substr(slash + 1));
    if (!id || !part) return std::nullopt;
    return BackupObject{std::move(*id), std::move(*part)};
}

}  // namespace walferry
