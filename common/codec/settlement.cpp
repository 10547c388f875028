#include "common/codec/settlement.hpp"

#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/codec/signed_text.hpp"
#include "common/codec/strict_json.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 1;
constexpr std::string_view domain = "walferry settlement signature, format 1";

const StrictJson reader{"the settlement",
                        "it was damaged or not made by walferry: settle the conflict again"};

void check_fields(const Settlement& settlement) {
    reader.require(WalName::parse(settlement.name).has_value(), "name");
    reader.require(is_lower_hex(settlement.fingerprint, 32), "fingerprint");
    reader.require(parse_time(settlement.settled_at).has_value(), "settled_at");
    reader.require(settlement.writer.empty() == settlement.signature.empty(), "signature");
    reader.require(settlement.writer.empty() || is_writer_public_key(settlement.writer), "writer");
}

SignedText signed_text(const Settlement& settlement) {
    SignedText text(domain);
    text.add(settlement.system_identifier)
        .add(settlement.name)
        .add(settlement.fingerprint)
        .add(settlement.settled_at)
        .add(settlement.writer);
    return text;
}

}  // namespace

void sign_settlement(Settlement& settlement, const WriterKey& writer) {
    settlement.writer = writer.public_key();
    settlement.signature = signed_text(settlement).sign(writer);
}

std::string settlement_json(const Settlement& settlement) {
    nlohmann::ordered_json json{
        {"walferry_settlement", format},
        {"system_identifier", std::to_string(settlement.system_identifier)},
        {"name", settlement.name},
        {"fingerprint", settlement.fingerprint},
        {"settled_at", settlement.settled_at},
    };
    if (!settlement.writer.empty()) json["writer"] = settlement.writer;
    if (!settlement.signature.empty()) json["signature"] = settlement.signature;
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    if (parse_settlement(text) != settlement) reader.refuse("it does not survive being written");
    return text;
}

Settlement parse_settlement(std::string_view json_text) {
    if (json_text.size() > max_settlement_size) reader.refuse("it is larger than 4 KiB");
    const Json json = reader.parse(json_text);
    if (reader.number(json, "walferry_settlement", UINT64_MAX) != format)
        reader.refuse("this version of walferry does not know its format");
    Settlement settlement;
    settlement.system_identifier = reader.decimal(json, "system_identifier");
    settlement.name = reader.text(json, "name");
    settlement.fingerprint = reader.text(json, "fingerprint");
    settlement.settled_at = reader.text(json, "settled_at");
    if (json.contains("writer")) settlement.writer = reader.text(json, "writer");
    if (json.contains("signature")) settlement.signature = reader.text(json, "signature");
    check_fields(settlement);
    return settlement;
}

void check_signature(const Settlement& settlement, const std::vector<std::string>& trusted_writers) {
    signed_text(settlement)
        .check(settlement.writer, settlement.signature, trusted_writers,
               {"it", "settle the conflict again on a host with a writer key that is in trusted_writers",
                "it was changed or forged"});
}

}  // namespace walferry
