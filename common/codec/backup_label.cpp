#include "common/codec/backup_label.hpp"

#include <algorithm>
#include <set>

#include "common/bytes.hpp"
#include "common/codec/age/base64.hpp"
#include "common/codec/strict_json.hpp"
#include "common/wal/lsn.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 2;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 60;

const StrictJson reader{"the backup's label",
                        "where every store's copy says so, another version of walferry made it, or another "
                        "program: restore with that one, or use another backup"};

bool is_absolute(const std::string& path) {
    return path.starts_with('/') && path.find('\0') == std::string::npos;
}

std::uint64_t position(const Json& json, const char* name) {
    const auto lsn = parse_lsn(reader.text(json, name));
    reader.require(lsn.has_value(), name);
    return *lsn;
}

/// File names and what quotes them are bytes; a text that is UTF-8 has one form only.
std::string read_text(const Json& value, const char* name) {
    if (value.is_string()) return value.get<std::string>();
    const auto bytes = base64_decode(reader.text(value, "base64"));
    reader.require(bytes.has_value() && !is_utf8(std::string(as_text(*bytes))), name);
    return std::string(as_text(*bytes));
}

nlohmann::ordered_json text_json(const std::string& text) {
    if (is_utf8(text)) return text;
    return {{"base64", base64_encode(as_bytes(text))}};
}

std::vector<std::string> read_texts(const Json& json, const char* name) {
    std::vector<std::string> texts;
    for (const Json& each : reader.array(json, name)) texts.push_back(read_text(each, name));
    return texts;
}

nlohmann::ordered_json texts_json(const std::vector<std::string>& texts) {
    auto json = nlohmann::ordered_json::array();
    for (const std::string& each : texts) json.push_back(text_json(each));
    return json;
}

/// Empty where it is not there.
std::string optional_text(const Json& json, const char* name) {
    return json.contains(name) ? read_text(json.at(name), name) : std::string();
}

std::map<std::string, std::string> read_settings(const Json& json) {
    const Json& object = reader.field(json, "settings");
    reader.require(object.is_object(), "settings");
    std::map<std::string, std::string> settings;
    for (const auto& [name, value] : object.items()) {
        reader.require(value.is_string(), "settings");
        settings.emplace(name, value.get<std::string>());
    }
    return settings;
}

unsigned read_mode(const Json& json) {
    const std::string digits = reader.text(json, "data_directory_mode");
    for (const unsigned mode : {0700U, 0750U}) {
        if (digits == octal_mode(mode)) return mode;
    }
    reader.refuse("its data_directory_mode is neither 0700 nor 0750");
}

BackupLabel::Piece read_piece(const Json& json) {
    BackupLabel::Piece piece;
    piece.size = reader.number(json, "size", backup_piece_size);
    piece.object_size = reader.number(json, "object_size", 2 * backup_piece_size);
    piece.fingerprint = reader.text(json, "fingerprint");
    piece.sha256 = reader.text(json, "sha256");
    return piece;
}

BackupLabel::Stream read_stream(const Json& json) {
    BackupLabel::Stream stream;
    stream.name = reader.text(json, "name");
    stream.size = reader.number(json, "size", most_bytes);
    for (const Json& piece : reader.array(json, "pieces")) stream.pieces.push_back(read_piece(piece));
    return stream;
}

BackupLabel::Tablespace read_tablespace(const Json& json) {
    return {static_cast<std::uint32_t>(reader.number(json, "oid", UINT32_MAX)),
            read_text(reader.field(json, "name"), "tablespace's name"),
            read_text(reader.field(json, "location"), "tablespace's location")};
}

void check_stream(const BackupLabel::Stream& stream) {
    reader.require(is_backup_stream(stream.name), "stream's name");
    reader.require(!stream.pieces.empty() && stream.pieces.size() <= BackupPart::most_pieces, "pieces");
    std::uint64_t size = 0;
    for (const BackupLabel::Piece& piece : stream.pieces) {
        const bool last = &piece == &stream.pieces.back();
        reader.require(
            last ? piece.size > 0 && piece.size <= backup_piece_size : piece.size == backup_piece_size,
            "piece's size");
        reader.require(piece.object_size > 0, "object_size");
        reader.require(is_lower_hex(piece.fingerprint, 32), "fingerprint");
        reader.require(is_lower_hex(piece.sha256, 64), "sha256");
        size += piece.size;
    }
    reader.require(size == stream.size, "stream's size");
}

/// Streams and what describes them must be the same set: a restore can rely on either.
void check_streams(const BackupLabel& label) {
    std::set<std::string> tablespaces;
    for (const BackupLabel::Tablespace& tablespace : label.tablespaces) {
        reader.require(is_absolute(tablespace.location) || tablespace.in_place(), "tablespace's location");
        const bool once = tablespaces.insert(std::to_string(tablespace.oid)).second;
        reader.require(once && label.stream(std::to_string(tablespace.oid)) != nullptr, "tablespaces");
    }
    std::set<std::string> names;
    for (const BackupLabel::Stream& stream : label.streams) {
        check_stream(stream);
        reader.require(names.insert(stream.name).second, "streams");
    }
    for (const std::string_view always : {BackupPart::base_stream, BackupPart::manifest_stream})
        reader.require(names.erase(std::string(always)) == 1, "streams");
    const bool has_config = names.erase(std::string(BackupPart::config_stream)) == 1;
    reader.require(names == tablespaces, "streams");
    reader.require(has_config != label.config_files.empty(), "config_files");
}

void check_fields(const BackupLabel& label) {
    reader.require(BackupId::parse(label.id.text).has_value(), "id");
    reader.require(!label.cluster.empty(), "cluster");
    reader.require(label.system_identifier != 0, "system_identifier");
    reader.require(label.pg_version_num >= 150000, "pg_version_num");
    const std::uint64_t size = label.segment_size;
    reader.require((size & (size - 1)) == 0 && size >= 1 << 20 && size <= 1 << 30, "segment_size");
    reader.require(label.timeline != 0, "timeline");
    reader.require(label.start_lsn != 0, "start_lsn");
    reader.require(label.stop_lsn >= label.start_lsn, "stop_lsn");
    reader.require(parse_time(label.started_at).has_value(), "started_at");
    reader.require(parse_time(label.stopped_at).has_value(), "stopped_at");
    reader.require(is_absolute(label.data_directory), "data_directory");
    reader.require(std::none_of(label.missing.begin(), label.missing.end(),
                                [](const std::string& each) { return each.empty(); }),
                   "missing");
    reader.require(std::all_of(label.config_files.begin(), label.config_files.end(), is_absolute),
                   "config_files");
    check_streams(label);
}

nlohmann::ordered_json as_json(const BackupLabel::Stream& stream) {
    nlohmann::ordered_json pieces = nlohmann::ordered_json::array();
    for (const BackupLabel::Piece& piece : stream.pieces) {
        pieces.push_back({{"size", piece.size},
                          {"object_size", piece.object_size},
                          {"fingerprint", piece.fingerprint},
                          {"sha256", piece.sha256}});
    }
    return {{"name", stream.name}, {"size", stream.size}, {"pieces", std::move(pieces)}};
}

}  // namespace

const BackupLabel::Stream* BackupLabel::stream(std::string_view name) const noexcept {
    const auto found =
        std::find_if(streams.begin(), streams.end(), [&](const Stream& s) { return s.name == name; });
    return found == streams.end() ? nullptr : &*found;
}

std::uint64_t BackupLabel::size() const noexcept {
    std::uint64_t sum = 0;
    for (const Stream& stream : streams) sum += stream.size;
    return sum;
}

std::uint64_t BackupLabel::object_size() const noexcept {
    std::uint64_t sum = 0;
    for (const Stream& stream : streams) {
        for (const Piece& piece : stream.pieces) sum += piece.object_size;
    }
    return sum;
}

std::string octal_mode(unsigned mode) {
    std::string digits = "0000";
    for (std::size_t i = 4; i-- > 0; mode >>= 3) digits[i] = static_cast<char>('0' + (mode & 7));
    return digits;
}

std::string backup_label_json(const BackupLabel& label) {
    // In the order of docs/format.md, for people who look at it.
    nlohmann::ordered_json json{
        {"walferry_backup", format},
        {"id", label.id.text},
        {"cluster", label.cluster},
        {"system_identifier", std::to_string(label.system_identifier)},
        {"pg_version", label.pg_version},
        {"pg_version_num", label.pg_version_num},
        {"segment_size", label.segment_size},
        {"timeline", label.timeline},
        {"start_lsn", format_lsn(label.start_lsn)},
        {"stop_lsn", format_lsn(label.stop_lsn)},
        {"started_at", label.started_at},
        {"stopped_at", label.stopped_at},
        {"data_directory", text_json(label.data_directory)},
        {"data_directory_mode", octal_mode(label.data_directory_mode)},
        {"settings", label.settings},
        {"replication_slots", texts_json(label.replication_slots)},
        {"missing", texts_json(label.missing)},
    };
    auto& tablespaces = json["tablespaces"] = nlohmann::ordered_json::array();
    for (const BackupLabel::Tablespace& each : label.tablespaces)
        tablespaces.push_back(
            {{"oid", each.oid}, {"name", text_json(each.name)}, {"location", text_json(each.location)}});
    json["config_files"] = texts_json(label.config_files);
    const auto add = [&](const char* name, const std::string& path) {
        if (!path.empty()) json[name] = text_json(path);
    };
    add("config_file", label.config_file);
    add("hba_file", label.hba_file);
    add("ident_file", label.ident_file);
    auto& streams = json["streams"] = nlohmann::ordered_json::array();
    for (const BackupLabel::Stream& stream : label.streams) streams.push_back(as_json(stream));
    json["walferry_version"] = label.walferry_version;
    std::string text = json.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
    // What could not be read back must never be stored.
    if (parse_backup_label(text) != label) reader.refuse("it does not survive being written");
    return text;
}

BackupLabel parse_backup_label(std::string_view json_text) {
    if (json_text.size() > max_backup_label_size) reader.refuse("it is larger than any label");
    const Json json = reader.parse(json_text);
    const std::uint64_t written_as = reader.number(json, "walferry_backup", UINT64_MAX);
    if (written_as != format)
        reader.refuse("it has format " + std::to_string(written_as) +
                      ", and this version of walferry reads format " + std::to_string(format) + " only");
    BackupLabel label;
    label.id.text = reader.text(json, "id");
    label.cluster = reader.text(json, "cluster");
    label.system_identifier = reader.decimal(json, "system_identifier");
    label.pg_version = reader.text(json, "pg_version");
    label.pg_version_num = static_cast<int>(reader.number(json, "pg_version_num", 10'000'000));
    label.segment_size = reader.number(json, "segment_size", std::uint64_t{1} << 30);
    label.timeline = static_cast<std::uint32_t>(reader.number(json, "timeline", UINT32_MAX));
    label.start_lsn = position(json, "start_lsn");
    label.stop_lsn = position(json, "stop_lsn");
    label.started_at = reader.text(json, "started_at");
    label.stopped_at = reader.text(json, "stopped_at");
    label.data_directory = read_text(reader.field(json, "data_directory"), "data_directory");
    label.data_directory_mode = read_mode(json);
    label.settings = read_settings(json);
    label.replication_slots = read_texts(json, "replication_slots");
    label.missing = read_texts(json, "missing");
    for (const Json& each : reader.array(json, "tablespaces"))
        label.tablespaces.push_back(read_tablespace(each));
    label.config_files = read_texts(json, "config_files");
    label.config_file = optional_text(json, "config_file");
    label.hba_file = optional_text(json, "hba_file");
    label.ident_file = optional_text(json, "ident_file");
    for (const Json& stream : reader.array(json, "streams")) label.streams.push_back(read_stream(stream));
    label.walferry_version = reader.text(json, "walferry_version");
    check_fields(label);
    return label;
}

}  // namespace walferry
