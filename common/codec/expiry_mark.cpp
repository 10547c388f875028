#include "common/codec/expiry_mark.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/codec/signed_text.hpp"
#include "common/codec/strict_json.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t format = 1;
constexpr std::string_view domain = "walferry mark signature, format 1";

const StrictJson reader{"the mark", "it was damaged or not made by walferry; it marks nothing"};

bool is_run(const std::pair<std::string, std::string>& run) {
    const auto first = WalName::parse(run.first);
    const auto last = WalName::parse(run.second);
    return first && last && first->kind == WalKind::segment && last->kind == WalKind::segment &&
           first->timeline == last->timeline && run.first <= run.second;
}

bool ascends(const std::vector<std::pair<std::string, std::string>>& runs) {
    return std::adjacent_find(runs.begin(), runs.end(),
                              [](const auto& a, const auto& b) { return a.second >= b.first; }) == runs.end();
}

void check_fields(const ExpiryMark& mark) {
    reader.require(parse_time(mark.made_at).has_value(), "made_at");
    reader.require((mark.backup ? 1 : 0) + (mark.wal.empty() ? 0 : 1) + (mark.keys.empty() ? 0 : 1) == 1,
                   "backup");
    reader.require(std::all_of(mark.wal.begin(), mark.wal.end(), is_run) && ascends(mark.wal), "wal");
    reader.require(
        std::adjacent_find(mark.keys.begin(), mark.keys.end(), std::greater_equal<>()) == mark.keys.end(),
        "keys");
    reader.require(mark.writer.empty() == mark.signature.empty(), "signature");
    reader.require(mark.writer.empty() || is_writer_public_key(mark.writer), "writer");
}

SignedText signed_text(const ExpiryMark& mark) {
    SignedText text(domain);
    text.add(mark.cluster)
        .add(mark.system_identifier)
        .add(mark.store)
        .add(mark.policy)
        .add(mark.made_at)
        .add(mark.backup ? mark.backup->text : "")
        .add(mark.wal.size());
    for (const auto& [first, last] : mark.wal) text.add(first).add(last);
    text.add(mark.keys.size());
    for (const std::string& key : mark.keys) text.add(key);
    text.add(mark.writer);
    return text;
}

}  // namespace

void sign_mark(ExpiryMark& mark, const WriterKey& writer) {
    mark.writer = writer.public_key();
    mark.signature = signed_text(mark).sign(writer);
}

std::string mark_json(const ExpiryMark& mark) {
    nlohmann::ordered_json json{
        {"walferry_mark", format},
        {"cluster", mark.cluster},
        {"system_identifier", std::to_string(mark.system_identifier)},
        {"store", mark.store},
        {"policy", mark.policy},
        {"made_at", mark.made_at},
    };
    if (mark.backup) json["backup"] = mark.backup->text;
    if (!mark.wal.empty()) {
        auto& runs = json["wal"] = nlohmann::ordered_json::array();
        for (const auto& [first, last] : mark.wal) runs.push_back({{"first", first}, {"last", last}});
    }
    if (!mark.keys.empty()) json["keys"] = mark.keys;
    if (!mark.writer.empty()) json["writer"] = mark.writer;
    if (!mark.signature.empty()) json["signature"] = mark.signature;
    std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    if (parse_mark(text) != mark) reader.refuse("it does not survive being written");
    return text;
}

ExpiryMark parse_mark(std::string_view json_text) {
    if (json_text.size() > max_mark_size) reader.refuse("it is larger than 4 MiB");
    const Json json = reader.parse(json_text);
    if (reader.number(json, "walferry_mark", UINT64_MAX) != format)
        reader.refuse("this version of walferry does not know its format");
    ExpiryMark mark;
    mark.cluster = reader.text(json, "cluster");
    mark.system_identifier = reader.decimal(json, "system_identifier");
    mark.store = reader.text(json, "store");
    mark.policy = reader.text(json, "policy");
    mark.made_at = reader.text(json, "made_at");
    if (json.contains("backup")) {
        mark.backup = BackupId::parse(reader.text(json, "backup"));
        reader.require(mark.backup.has_value(), "backup");
    }
    if (json.contains("wal")) {
        for (const Json& run : reader.array(json, "wal")) {
            reader.require(run.is_object(), "wal");
            mark.wal.emplace_back(reader.text(run, "first"), reader.text(run, "last"));
        }
    }
    if (json.contains("keys")) {
        for (const Json& key : reader.array(json, "keys")) {
            reader.require(key.is_string(), "keys");
            mark.keys.push_back(key.get<std::string>());
        }
    }
    if (json.contains("writer")) mark.writer = reader.text(json, "writer");
    if (json.contains("signature")) mark.signature = reader.text(json, "signature");
    check_fields(mark);
    return mark;
}

void check_signature(const ExpiryMark& mark, const std::vector<std::string>& trusted_writers) {
    signed_text(mark).check(mark.writer, mark.signature, trusted_writers,
                            {"this mark", "a host with a writer key that is in trusted_writers has to mark",
                             "it was changed or forged"});
}

}  // namespace walferry
