#include "common/codec/envelope.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "common/clock.hpp"
#include "common/codec/base64.hpp"
#include "common/codec/zstd_reader.hpp"
#include "common/error.hpp"
#include "common/wal_name.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 1;
constexpr std::string_view domain = "walferry envelope signature, format 1";

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorKind::integrity, "the object's envelope is not valid: " + why,
                "the object was damaged or not made by walferry; use another store's copy");
}

void require(bool condition, const char* field) {
    if (!condition) refuse(std::string("its ") + field + " is malformed");
}

/// Refuses a field that stands twice, of which JSON readers may take the one or the other.
Json parse_object(std::string_view text) {
    std::set<std::string> seen;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::key && depth == 1 &&
            !seen.insert(parsed.get<std::string>()).second) {
            refuse("a field stands in it twice");
        }
        return true;
    };
    try {
        Json json = Json::parse(text, watch);
        if (!json.is_object()) refuse("it is not a JSON object");
        return json;
    } catch (const Json::exception&) {
        refuse("it is not JSON");
    }
}

const Json& field(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) refuse(std::string(name) + " is missing");
    return *found;
}

std::uint64_t number(const Json& json, const char* name, std::uint64_t most) {
    const Json& value = field(json, name);
    require(value.is_number_unsigned() && value.get<std::uint64_t>() <= most, name);
    return value.get<std::uint64_t>();
}

std::string text(const Json& json, const char* name) {
    const Json& value = field(json, name);
    require(value.is_string(), name);
    return value.get<std::string>();
}

std::uint64_t decimal(const std::string& digits, const char* name) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    require(error == std::errc() && std::to_string(value) == digits, name);
    return value;
}

void check_fields(const Envelope& envelope) {
    require(WalName::parse(envelope.name).has_value(), "name");
    require(envelope.size <= max_segment_size, "size");
    require(is_lower_hex(envelope.fingerprint, 32), "fingerprint");
    const std::uint64_t size = envelope.segment_size;
    const bool power_of_two = (size & (size - 1)) == 0;
    require(size == 0 || (power_of_two && size >= 1024 * 1024 && size <= max_segment_size), "segment_size");
    require(parse_time(envelope.spooled_at).has_value(), "spooled_at");
    require(is_lower_hex(envelope.frame_sha256, 64), "frame_sha256");
    require(envelope.writer.empty() == envelope.signature.empty(), "signature");
    require(envelope.writer.empty() || is_writer_public_key(envelope.writer), "writer");
}

}  // namespace

Envelope parse_envelope(std::string_view json_text) {
    if (json_text.size() > max_envelope_size) refuse("it is larger than 4 KiB");
    const Json json = parse_object(json_text);
    if (number(json, "walferry", UINT64_MAX) != format) {
        refuse("this version of walferry does not know its format");
    }
    Envelope envelope;
    envelope.system_identifier = decimal(text(json, "system_identifier"), "system_identifier");
    envelope.name = text(json, "name");
    envelope.size = number(json, "size", max_segment_size);
    envelope.fingerprint = text(json, "fingerprint");
    envelope.pg_version = static_cast<int>(number(json, "pg_version", 1000));
    envelope.segment_size = number(json, "segment_size", max_segment_size);
    envelope.spooled_at = text(json, "spooled_at");
    envelope.frame_sha256 = text(json, "frame_sha256");
    if (json.contains("writer")) envelope.writer = text(json, "writer");
    if (json.contains("signature")) envelope.signature = text(json, "signature");
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
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
    // What could not be read back must never be stored.
    if (parse_envelope(text) != envelope) refuse("it does not survive being written");
    return text;
}

std::string signed_bytes(const Envelope& envelope) {
    std::string bytes;
    const auto add = [&](std::string_view value) {
        for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value.size() >> shift & 0xff);
        bytes += value;
    };
    add(domain);
    add(std::to_string(envelope.system_identifier));
    add(envelope.name);
    add(std::to_string(envelope.size));
    add(envelope.fingerprint);
    add(std::to_string(envelope.pg_version));
    add(std::to_string(envelope.segment_size));
    add(envelope.spooled_at);
    add(envelope.frame_sha256);
    add(envelope.writer);
    return bytes;
}

void sign_envelope(Envelope& envelope, const WriterKey& writer) {
    envelope.writer = writer.public_key();
    envelope.signature = base64_encode(writer.sign(as_bytes(signed_bytes(envelope))));
}

void check_signature(const Envelope& envelope, const std::vector<std::string>& trusted_writers) {
    if (envelope.signature.empty()) {
        if (trusted_writers.empty()) return;
        throw Error(
            ErrorKind::integrity, "the object with " + envelope.name + " is not signed",
            "trusted_writers demands a signature; remove that setting only if you trust whoever can write "
            "to the store");
    }
    const auto signature = base64_decode(envelope.signature);
    if (!signature || !verify_signature(envelope.writer, as_bytes(signed_bytes(envelope)), *signature)) {
        throw Error(ErrorKind::integrity,
                    "the signature of the object with " + envelope.name + " does not fit it",
                    "the object was changed or forged; use another store's copy");
    }
    const bool trusted =
        std::find(trusted_writers.begin(), trusted_writers.end(), envelope.writer) != trusted_writers.end();
    if (!trusted_writers.empty() && !trusted) {
        throw Error(
            ErrorKind::integrity,
            "the object with " + envelope.name + " was signed by " + envelope.writer + ", who is not trusted",
            "if that is a host of yours, add its public key to trusted_writers");
    }
}

}  // namespace walferry
