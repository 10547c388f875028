#include "common/codec/backup_begin.hpp"

#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/codec/signed_text.hpp"
#include "common/codec/strict_json.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 1;
constexpr std::string_view domain = "walferry backup begin signature, format 1";

const StrictJson reader{"what says that a backup is being made", "it was damaged or not made by walferry"};

void check_fields(const BackupBegin& begin) {
    const auto segment = WalName::parse(begin.first_segment);
    reader.require(segment && segment->kind == WalKind::segment, "first_segment");
    reader.require(parse_time(begin.begun_at).has_value(), "begun_at");
    reader.require(begin.writer.empty() == begin.signature.empty(), "signature");
    reader.require(begin.writer.empty() || is_writer_public_key(begin.writer), "writer");
}

SignedText signed_text(const BackupBegin& begin) {
    SignedText text(domain);
    text.add(begin.id.text)
        .add(begin.cluster)
        .add(begin.system_identifier)
        .add(begin.first_segment)
        .add(begin.begun_at)
        .add(begin.writer);
    return text;
}

}  // namespace

void sign_begin(BackupBegin& begin, const WriterKey& writer) {
    begin.writer = writer.public_key();
    begin.signature = signed_text(begin).sign(writer);
}

std::string backup_begin_json(const BackupBegin& begin) {
    nlohmann::ordered_json json{
        {"walferry_backup_begin", format},
        {"id", begin.id.text},
        {"cluster", begin.cluster},
        {"system_identifier", std::to_string(begin.system_identifier)},
        {"first_segment", begin.first_segment},
        {"begun_at", begin.begun_at},
    };
    if (!begin.writer.empty()) json["writer"] = begin.writer;
    if (!begin.signature.empty()) json["signature"] = begin.signature;
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    if (parse_backup_begin(text) != begin) reader.refuse("it does not survive being written");
    return text;
}

BackupBegin parse_backup_begin(std::string_view json_text) {
    if (json_text.size() > max_backup_begin_size) reader.refuse("it is larger than 4 KiB");
    const Json json = reader.parse(json_text);
    if (reader.number(json, "walferry_backup_begin", UINT64_MAX) != format)
        reader.refuse("this version of walferry does not know its format");
    BackupBegin begin;
    const auto id = BackupId::parse(reader.text(json, "id"));
    reader.require(id.has_value(), "id");
    begin.id = *id;
    begin.cluster = reader.text(json, "cluster");
    begin.system_identifier = reader.decimal(json, "system_identifier");
    begin.first_segment = reader.text(json, "first_segment");
    begin.begun_at = reader.text(json, "begun_at");
    if (json.contains("writer")) begin.writer = reader.text(json, "writer");
    if (json.contains("signature")) begin.signature = reader.text(json, "signature");
    check_fields(begin);
    return begin;
}

void check_signature(const BackupBegin& begin, const std::vector<std::string>& trusted_writers) {
    signed_text(begin).check(begin.writer, begin.signature, trusted_writers,
                             {"the beginning of backup " + begin.id.text,
                              "trusted_writers demands a signature: only a host with a writer key makes one",
                              "it was changed or forged"});
}

}  // namespace walferry
