#include "common/codec/backup_index.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/codec/signed_text.hpp"
#include "common/codec/strict_json.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 1;
constexpr std::string_view domain = "walferry backup index signature, format 1";
constexpr std::string_view folder = "backup/";

const StrictJson reader{"the backup's index",
                        "it was damaged or not made by walferry; another store's copy may be sound"};

bool is_name(std::string_view text) {
    const auto usual = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), usual);
}

/// "backup/ID/NAME"; the ID may be another backup's, with which an object is shared.
bool is_object_key(std::string_view key) {
    if (!key.starts_with(folder)) return false;
    key.remove_prefix(folder.size());
    const std::size_t slash = key.find('/');
    return slash != key.npos && BackupId::parse(key.substr(0, slash)) && is_name(key.substr(slash + 1));
}

bool is_segment(const std::string& text, std::uint32_t timeline) {
    const auto name = WalName::parse(text);
    return name && name->kind == WalKind::segment && name->timeline == timeline;
}

void check_objects(const BackupIndex& index) {
    const std::string label = std::string(folder) + index.id.text + "/label-";
    std::uint64_t labels = 0;
    const std::string* previous = nullptr;
    for (const BackupIndex::Object& object : index.objects) {
        reader.require(is_object_key(object.key), "objects");
        reader.require(previous == nullptr || *previous < object.key, "objects");
        if (object.key.starts_with(label)) ++labels;
        previous = &object.key;
    }
    reader.require(labels == 1, "objects");
}

void check_fields(const BackupIndex& index) {
    const std::uint64_t size = index.segment_size;
    reader.require(
        size >= std::uint64_t{1} << 20 && size <= std::uint64_t{1} << 30 && (size & (size - 1)) == 0,
        "segment_size");
    reader.require(index.timeline > 0, "timeline");
    reader.require(is_segment(index.first_segment, index.timeline), "first_segment");
    reader.require(
        is_segment(index.last_segment, index.timeline) && index.first_segment <= index.last_segment,
        "last_segment");
    reader.require(parse_time(index.started_at).has_value(), "started_at");
    reader.require(parse_time(index.stopped_at).has_value() && index.started_at <= index.stopped_at,
                   "stopped_at");
    reader.require(index.writer.empty() == index.signature.empty(), "signature");
    reader.require(index.writer.empty() || is_writer_public_key(index.writer), "writer");
    check_objects(index);
}

SignedText signed_text(const BackupIndex& index) {
    SignedText text(domain);
    text.add(index.id.text)
        .add(index.cluster)
        .add(index.system_identifier)
        .add(static_cast<std::uint64_t>(index.pg_version))
        .add(index.segment_size)
        .add(std::uint64_t{index.timeline})
        .add(index.first_segment)
        .add(index.last_segment)
        .add(index.started_at)
        .add(index.stopped_at)
        .add(index.size)
        .add(index.complete ? "complete" : "incomplete")
        .add(index.objects.size());
    for (const BackupIndex::Object& object : index.objects) text.add(object.key).add(object.size);
    return std::move(text.add(index.writer));
}

}  // namespace

std::uint64_t BackupIndex::object_size() const noexcept {
    std::uint64_t sum = 0;
    for (const Object& object : objects) sum += object.size;
    return sum;
}

void sign_index(BackupIndex& index, const WriterKey& writer) {
    index.writer = writer.public_key();
    index.signature = signed_text(index).sign(writer);
}

std::string backup_index_json(const BackupIndex& index) {
    nlohmann::ordered_json json{
        {"walferry_backup_index", format},    {"id", index.id.text},
        {"cluster", index.cluster},           {"system_identifier", std::to_string(index.system_identifier)},
        {"pg_version", index.pg_version},     {"segment_size", index.segment_size},
        {"timeline", index.timeline},         {"first_segment", index.first_segment},
        {"last_segment", index.last_segment}, {"started_at", index.started_at},
        {"stopped_at", index.stopped_at},     {"size", index.size},
        {"complete", index.complete},
    };
    auto& objects = json["objects"] = nlohmann::ordered_json::array();
    for (const BackupIndex::Object& object : index.objects)
        objects.push_back({{"key", object.key}, {"size", object.size}});
    if (!index.writer.empty()) json["writer"] = index.writer;
    if (!index.signature.empty()) json["signature"] = index.signature;
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    if (parse_backup_index(text) != index) reader.refuse("it does not survive being written");
    return text;
}

BackupIndex parse_backup_index(std::string_view json_text) {
    if (json_text.size() > max_backup_index_size) reader.refuse("it is larger than 512 MiB");
    const Json json = reader.parse(json_text);
    if (reader.number(json, "walferry_backup_index", UINT64_MAX) != format)
        reader.refuse("this version of walferry does not know its format");
    BackupIndex index;
    const auto id = BackupId::parse(reader.text(json, "id"));
    reader.require(id.has_value(), "id");
    index.id = *id;
    index.cluster = reader.text(json, "cluster");
    index.system_identifier = reader.decimal(json, "system_identifier");
    index.pg_version = static_cast<int>(reader.number(json, "pg_version", 1000));
    index.segment_size = reader.number(json, "segment_size", UINT64_MAX);
    index.timeline = static_cast<std::uint32_t>(reader.number(json, "timeline", UINT32_MAX));
    index.first_segment = reader.text(json, "first_segment");
    index.last_segment = reader.text(json, "last_segment");
    index.started_at = reader.text(json, "started_at");
    index.stopped_at = reader.text(json, "stopped_at");
    index.size = reader.number(json, "size", UINT64_MAX);
    const Json& complete = reader.field(json, "complete");
    reader.require(complete.is_boolean(), "complete");
    index.complete = complete.get<bool>();
    for (const Json& object : reader.array(json, "objects")) {
        reader.require(object.is_object(), "objects");
        index.objects.push_back({reader.text(object, "key"), reader.number(object, "size", UINT64_MAX)});
    }
    if (json.contains("writer")) index.writer = reader.text(json, "writer");
    if (json.contains("signature")) index.signature = reader.text(json, "signature");
    check_fields(index);
    return index;
}

void check_signature(const BackupIndex& index, const std::vector<std::string>& trusted_writers) {
    signed_text(index).check(index.writer, index.signature, trusted_writers,
                             {"the index of backup " + index.id.text,
                              "trusted_writers demands a signature: only a host with a writer key makes one",
                              "it was changed or forged; another store's copy may be sound"});
}

}  // namespace walferry
