#include "common/codec/envelope.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/codec/signed_text.hpp"
#include "common/codec/strict_json.hpp"
#include "common/codec/zstd_reader.hpp"
#include "common/error.hpp"
#include "common/wal/backup_name.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 2;
constexpr std::string_view domain = "walferry envelope signature, format 2";

const StrictJson reader{"the object's envelope",
                        "the object was damaged or not made by walferry; use another store's copy"};

void check_fields(const Envelope& envelope) {
    reader.require(WalName::parse(envelope.name) || BackupObject::parse(envelope.name), "name");
    reader.require(envelope.size <= max_segment_size, "size");
    reader.require(is_lower_hex(envelope.fingerprint, 32), "fingerprint");
    const std::uint64_t size = envelope.segment_size;
    const bool power_of_two = (size & (size - 1)) == 0;
    reader.require(size == 0 || (power_of_two && size >= 1024 * 1024 && size <= max_segment_size),
                   "segment_size");
    reader.require(parse_time(envelope.spooled_at).has_value(), "spooled_at");
    reader.require(is_lower_hex(envelope.frame_sha256, 64), "frame_sha256");
    reader.require(envelope.writer.empty() == envelope.signature.empty(), "signature");
    reader.require(envelope.writer.empty() || is_writer_public_key(envelope.writer), "writer");
    const bool printable = std::all_of(envelope.facts.begin(), envelope.facts.end(),
                                       [](char c) { return c >= ' ' && c <= '~'; });
    reader.require(envelope.facts.size() <= max_facts_size && printable, "facts");
}

}  // namespace

Envelope parse_envelope(std::string_view json_text) {
    if (json_text.size() > max_envelope_size) reader.refuse("it is larger than 132 KiB");
    const Json json = reader.parse(json_text);
    if (reader.number(json, "walferry", UINT64_MAX) != format) {
        reader.refuse("this version of walferry does not know its format");
    }
    Envelope envelope;
    envelope.system_identifier = reader.decimal(json, "system_identifier");
    envelope.name = reader.text(json, "name");
    envelope.size = reader.number(json, "size", max_segment_size);
    envelope.fingerprint = reader.text(json, "fingerprint");
    envelope.pg_version = static_cast<int>(reader.number(json, "pg_version", 1000));
    envelope.segment_size = reader.number(json, "segment_size", max_segment_size);
    envelope.spooled_at = reader.text(json, "spooled_at");
    envelope.frame_sha256 = reader.text(json, "frame_sha256");
    if (json.contains("writer")) envelope.writer = reader.text(json, "writer");
    if (json.contains("signature")) envelope.signature = reader.text(json, "signature");
    if (json.contains("facts")) envelope.facts = reader.text(json, "facts");
    check_fields(envelope);
    return envelope;
}

std::string envelope_json(const Envelope& envelope) {
    // In the order of docs/format.md, for people who look at it.
    nlohmann::ordered_json json{
        {"walferry", format},
        {"system_identifier", std::to_string(envelope.system_identifier)},
        {"name", envelope.name},
        {"size", envelope.size},
        {"fingerprint", envelope.fingerprint},
        {"pg_version", envelope.pg_version},
        {"segment_size", envelope.segment_size},
        {"spooled_at", envelope.spooled_at},
        {"frame_sha256", envelope.frame_sha256},
    };
    if (!envelope.writer.empty()) json["writer"] = envelope.writer;
    if (!envelope.signature.empty()) json["signature"] = envelope.signature;
    if (!envelope.facts.empty()) json["facts"] = envelope.facts;
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
    // What could not be read back must never be stored.
    if (parse_envelope(text) != envelope) reader.refuse("it does not survive being written");
    return text;
}

SignedText signed_text(const Envelope& envelope) {
    SignedText text(domain);
    text.add(envelope.system_identifier)
        .add(envelope.name)
        .add(envelope.size)
        .add(envelope.fingerprint)
        .add(static_cast<std::uint64_t>(envelope.pg_version))
        .add(envelope.segment_size)
        .add(envelope.spooled_at)
        .add(envelope.frame_sha256)
        .add(envelope.writer)
        .add(envelope.facts);
    return text;
}

void sign_envelope(Envelope& envelope, const WriterKey& writer) {
    envelope.writer = writer.public_key();
    envelope.signature = signed_text(envelope).sign(writer);
}

void check_signature(const Envelope& envelope, const std::vector<std::string>& trusted_writers) {
    signed_text(envelope).check(
        envelope.writer, envelope.signature, trusted_writers,
        {"the object with " + envelope.name,
         "trusted_writers demands a signature; remove that setting only if you trust everyone who can write "
         "to the store",
         "the object was changed or forged; use another store's copy"});
}

}  // namespace walferry
