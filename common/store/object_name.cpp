#include "common/store/object_name.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "common/bytes.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

constexpr std::string_view encrypted_suffix = ".zst.age";
constexpr std::string_view plain_suffix = ".zst";
constexpr std::string_view settlement_suffix = ".json";
constexpr std::string_view index_prefix = "index-";
constexpr std::string_view index_suffix = ".json.zst";
constexpr std::string_view begin_prefix = "begin-";
constexpr std::string_view begin_suffix = ".json";
constexpr std::string_view no_recipients = "00000000";

constexpr std::size_t fingerprint_digits = 32;
constexpr std::size_t recipients_digits = 8;
constexpr std::size_t sha256_digits = 32;

bool take_suffix(std::string_view& text, std::string_view suffix) noexcept {
    if (!text.ends_with(suffix)) return false;
    text.remove_suffix(suffix.size());
    return true;
}

/// Cuts the part after the last '-' off the end of text.
std::optional<std::string_view> take_field(std::string_view& text, std::size_t digits) noexcept {
    const std::size_t dash = text.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view field = text.substr(dash + 1);
    if (!is_lower_hex(field, digits)) return std::nullopt;
    text = text.substr(0, dash);
    return field;
}

/// The digits of a hash between two texts that are all else.
std::optional<std::string_view> take_between(std::string_view text, std::string_view prefix,
                                             std::string_view suffix) noexcept {
    if (!text.starts_with(prefix) || !take_suffix(text, suffix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    if (!is_lower_hex(text, sha256_digits)) return std::nullopt;
    return text;
}

/// Everything but what kind of name it begins with.
std::optional<ObjectName> parse_fields(std::string_view text) {
    ObjectName name;
    name.encrypted = take_suffix(text, encrypted_suffix);
    if (!name.encrypted && !take_suffix(text, plain_suffix)) return std::nullopt;

    const auto sha256 = take_field(text, sha256_digits);
    if (!sha256) return std::nullopt;
    const auto recipients = take_field(text, recipients_digits);
    if (!recipients) return std::nullopt;
    const auto fingerprint = take_field(text, fingerprint_digits);
    if (!fingerprint) return std::nullopt;
    if (!name.encrypted && *recipients != no_recipients) return std::nullopt;

    name.segment = text;
    name.fingerprint = *fingerprint;
    name.recipients = *recipients;
    name.sha256 = *sha256;
    return name;
}

}  // namespace

std::string ObjectName::stem() const {
    return segment + "-" + fingerprint + "-" + recipients + "-";
}

std::string ObjectName::text() const {
    return stem() + sha256 + std::string(encrypted ? encrypted_suffix : plain_suffix);
}

std::optional<ObjectName> ObjectName::parse(std::string_view text) {
    auto name = parse_fields(text);
    if (!name || !WalName::parse(name->segment)) return std::nullopt;
    return name;
}

std::optional<ObjectName> ObjectName::parse_backup(std::string_view text) {
    auto name = parse_fields(text);
    if (!name || !BackupPart::parse(name->segment)) return std::nullopt;
    return name;
}

std::string SettlementName::text() const {
    return segment + "-" + fingerprint + "-" + sha256 + std::string(settlement_suffix);
}

std::optional<SettlementName> SettlementName::parse(std::string_view text) {
    if (!take_suffix(text, settlement_suffix)) return std::nullopt;
    const auto sha256 = take_field(text, sha256_digits);
    if (!sha256) return std::nullopt;
    const auto fingerprint = take_field(text, fingerprint_digits);
    if (!fingerprint || !WalName::parse(text)) return std::nullopt;
    return SettlementName{std::string(text), std::string(*fingerprint), std::string(*sha256)};
}

std::string IndexName::text() const {
    return std::string(index_prefix) + sha256 + std::string(index_suffix);
}

std::optional<IndexName> IndexName::parse(std::string_view text) {
    const auto sha256 = take_between(text, index_prefix, index_suffix);
    if (!sha256) return std::nullopt;
    return IndexName{std::string(*sha256)};
}

std::string BeginName::text() const {
    return std::string(begin_prefix) + sha256 + std::string(begin_suffix);
}

std::optional<BeginName> BeginName::parse(std::string_view text) {
    const auto sha256 = take_between(text, begin_prefix, begin_suffix);
    if (!sha256) return std::nullopt;
    return BeginName{std::string(*sha256)};
}

std::string recipients_tag(std::vector<std::string> recipients) {
    if (recipients.empty()) return std::string(no_recipients);
    std::sort(recipients.begin(), recipients.end());
    std::string joined;
    for (const std::string& recipient : recipients) {
        if (!joined.empty()) joined += '\n';
        joined += recipient;
    }
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(joined.data()), joined.size(), hash.data());
    return hex(std::as_bytes(std::span(hash))).substr(0, recipients_digits);
}

ObjectKeys::ObjectKeys(std::string_view prefix, std::string_view cluster, std::uint64_t system_identifier) {
    if (!prefix.empty()) root_.append(prefix).append("/");
    root_.append(cluster).append("/").append(std::to_string(system_identifier)).append("/");
}

std::string ObjectKeys::wal_directory(std::string_view segment_name) const {
    return root_ + "wal/" + std::string(segment_name.substr(0, 8)) + "/";
}

std::string ObjectKeys::wal(const ObjectName& name) const {
    return wal_directory(name.segment) + name.text();
}

std::string ObjectKeys::backup(const BackupId& id, const ObjectName& name) const {
    return backup_directory(id) + name.text();
}

}  // namespace walferry
