#include "common/codec/backup_hold.hpp"

#include <nlohmann/json.hpp>

#include "common/bytes.hpp"
#include "common/clock.hpp"
#include "common/codec/signed_text.hpp"
#include "common/codec/strict_json.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 1;
constexpr std::string_view domain = "walferry hold signature, format 1";
constexpr std::size_t longest_reason = 1000;

const StrictJson reader{"the hold", "it was damaged or not made by walferry: hold the backup again"};

void check_fields(const BackupHold& hold) {
    reader.require(hold.reason.size() <= longest_reason, "reason");
    reader.require(hold.until.empty() || parse_time(hold.until), "until");
    reader.require(hold.releases.empty() || is_lower_hex(hold.releases, 32), "releases");
    reader.require(parse_time(hold.made_at).has_value(), "made_at");
    reader.require(hold.writer.empty() == hold.signature.empty(), "signature");
    reader.require(hold.writer.empty() || is_writer_public_key(hold.writer), "writer");
}

SignedText signed_text(const BackupHold& hold) {
    SignedText text(domain);
    text.add(hold.cluster)
        .add(hold.system_identifier)
        .add(hold.backup.text)
        .add(hold.reason)
        .add(hold.until)
        .add(hold.releases)
        .add(hold.made_at)
        .add(hold.writer);
    return text;
}

}  // namespace

void sign_hold(BackupHold& hold, const WriterKey& writer) {
    hold.writer = writer.public_key();
    hold.signature = signed_text(hold).sign(writer);
}

std::string hold_json(const BackupHold& hold) {
    nlohmann::ordered_json json{
        {"walferry_hold", format},
        {"cluster", hold.cluster},
        {"system_identifier", std::to_string(hold.system_identifier)},
        {"backup", hold.backup.text},
        {"reason", hold.reason},
    };
    if (!hold.until.empty()) json["until"] = hold.until;
    if (!hold.releases.empty()) json["releases"] = hold.releases;
    json["made_at"] = hold.made_at;
    if (!hold.writer.empty()) json["writer"] = hold.writer;
    if (!hold.signature.empty()) json["signature"] = hold.signature;
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    if (parse_hold(text) != hold) reader.refuse("it does not survive being written");
    return text;
}

BackupHold parse_hold(std::string_view json_text) {
    if (json_text.size() > max_hold_size) reader.refuse("it is larger than 8 KiB");
    const Json json = reader.parse(json_text);
    if (reader.number(json, "walferry_hold", UINT64_MAX) != format)
        reader.refuse("this version of walferry does not know its format");
    BackupHold hold;
    hold.cluster = reader.text(json, "cluster");
    hold.system_identifier = reader.decimal(json, "system_identifier");
    const auto backup = BackupId::parse(reader.text(json, "backup"));
    reader.require(backup.has_value(), "backup");
    hold.backup = *backup;
    hold.reason = reader.text(json, "reason");
    if (json.contains("until")) hold.until = reader.text(json, "until");
    if (json.contains("releases")) hold.releases = reader.text(json, "releases");
    hold.made_at = reader.text(json, "made_at");
    if (json.contains("writer")) hold.writer = reader.text(json, "writer");
    if (json.contains("signature")) hold.signature = reader.text(json, "signature");
    check_fields(hold);
    return hold;
}

void check_signature(const BackupHold& hold, const std::vector<std::string>& trusted_writers) {
    signed_text(hold).check(
        hold.writer, hold.signature, trusted_writers,
        {"this hold", "a host with a writer key that is in trusted_writers has to make it",
         "it was changed or forged"});
}

}  // namespace walferry
