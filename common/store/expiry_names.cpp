#include "common/store/expiry_names.hpp"

#include "common/bytes.hpp"

namespace walferry {
namespace {

constexpr std::string_view suffix = ".json";
constexpr std::size_t digits = 32;

struct Parts {
    std::string_view what, sha256;
};

std::optional<Parts> split(std::string_view text) {
    if (!text.ends_with(suffix)) return std::nullopt;
    text.remove_suffix(suffix.size());
    if (text.size() < digits + 2 || text[text.size() - digits - 1] != '-') return std::nullopt;
    const Parts parts{text.substr(0, text.size() - digits - 1), text.substr(text.size() - digits)};
    if (!is_lower_hex(std::string(parts.sha256), digits)) return std::nullopt;
    return parts;
}

}  // namespace

std::optional<MarkName> MarkName::parse(std::string_view text) {
    const auto parts = split(text);
    if (!parts) return std::nullopt;
    const bool known = parts->what == "wal" || parts->what == "objects" || BackupId::parse(parts->what);
    if (!known) return std::nullopt;
    return MarkName{std::string(parts->what), std::string(parts->sha256)};
}

std::optional<HoldName> HoldName::parse(std::string_view text) {
    const auto parts = split(text);
    const auto backup = parts ? BackupId::parse(parts->what) : std::nullopt;
    if (!backup) return std::nullopt;
    return HoldName{*backup, std::string(parts->sha256)};
}

std::string marks_directory(const ObjectKeys& keys) {
    return keys.root() + "mark/";
}

std::string holds_directory(const ObjectKeys& keys) {
    return keys.root() + "hold/";
}

std::string releases_directory(const ObjectKeys& keys) {
    return keys.root() + "release/";
}

std::string expired_directory(const ObjectKeys& keys) {
    return keys.root() + "expired/";
}

}  // namespace walferry
