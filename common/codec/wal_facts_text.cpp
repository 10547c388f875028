#include "common/codec/wal_facts_text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/codec/age/base64.hpp"
#include "common/codec/strict_json.hpp"
#include "common/micro_time.hpp"
#include "common/wal/lsn.hpp"

namespace walferry {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;

constexpr std::uint64_t format = 1;
constexpr std::array<std::string_view, 8> kinds{
    "restore_point",      "database_created", "database_dropped", "tablespace_created",
    "tablespace_dropped", "files_removed",    "parameters",       "end_of_recovery"};

/// Thrown and caught here only.
struct Malformed {};

Ordered time_json(std::int64_t time) {
    return time == 0 ? Ordered(nullptr) : Ordered(format_micro_time(time));
}

Ordered moment_json(const std::optional<WalMoment>& moment) {
    if (!moment) return nullptr;
    return Ordered::array({format_micro_time(moment->time), format_lsn(moment->lsn)});
}

/// Names and paths are bytes.
Ordered text_json(const std::string& text) {
    if (is_utf8(text)) return text;
    return {{"base64", base64_encode(as_bytes(text))}};
}

Ordered transaction_json(const WalTransaction& transaction) {
    Ordered json{{"xid", transaction.xid}, {"first_lsn", format_lsn(transaction.first_lsn)}};
    Ordered locks = Ordered::array();
    for (const WalLock& lock : transaction.locks)
        locks.push_back({lock.database, lock.relation, format_lsn(lock.lsn)});
    json["locks"] = std::move(locks);
    json["lock_count"] = transaction.lock_count;
    json["created"] = transaction.created;
    json["created_count"] = transaction.created_count;
    json["filled"] = transaction.filled;
    return json;
}

Ordered event_json(const WalEvent& event) {
    Ordered json{
        {"kind", to_string(event.kind)}, {"lsn", format_lsn(event.lsn)}, {"time", time_json(event.time)}};
    const auto add = [&](const char* name, std::uint32_t value) {
        if (value != 0) json[name] = value;
    };
    add("xid", event.xid);
    add("database", event.database);
    add("tablespace", event.tablespace);
    add("timeline", event.timeline);
    add("previous_timeline", event.previous_timeline);
    if (!event.text.empty()) json["text"] = text_json(event.text);
    if (event.removed_count != 0) {
        json["removed"] = event.removed;
        json["removed_count"] = event.removed_count;
    }
    if (!event.subtransactions.empty()) json["subtransactions"] = event.subtransactions;
    if (event.transaction.first_lsn != 0) json["transaction"] = transaction_json(event.transaction);
    return json;
}

Ordered facts_json(const WalFacts& facts) {
    Ordered json{{"facts", format},
                 {"complete", facts.complete},
                 {"pg_version", facts.pg_version},
                 {"timeline", facts.timeline},
                 {"begin", format_lsn(facts.begin)},
                 {"end", format_lsn(facts.end)},
                 {"last_record", format_lsn(facts.last_record)},
                 {"commits", facts.commits},
                 {"first_end", moment_json(facts.first_end)},
                 {"last_end", moment_json(facts.last_end)},
                 {"last_commit", moment_json(facts.last_commit)},
                 {"greatest_end", moment_json(facts.greatest_end)},
                 {"next_xid", facts.next_xid}};
    auto& checkpoints = json["checkpoints"] = Ordered::array();
    for (const WalCheckpoint& each : facts.checkpoints)
        checkpoints.push_back({format_lsn(each.lsn), format_lsn(each.redo), time_json(each.time)});
    auto& events = json["events"] = Ordered::array();
    for (const WalEvent& event : facts.events) events.push_back(event_json(event));
    auto& open = json["open"] = Ordered::array();
    for (const WalTransaction& transaction : facts.open) open.push_back(transaction_json(transaction));
    if (facts.head)
        json["head"] = {{"length", facts.head->length}, {"bytes", base64_encode(facts.head->bytes)}};
    if (facts.tail) {
        json["tail"] = {{"lsn", format_lsn(facts.tail->lsn)},
                        {"length", facts.tail->length},
                        {"bytes", base64_encode(facts.tail->bytes)}};
    }
    return json;
}

const Json& field(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) throw Malformed{};
    return *found;
}

template <typename T = std::uint32_t>
T number(const Json& json) {
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > std::numeric_limits<T>::max())
        throw Malformed{};
    return json.get<T>();
}

std::uint32_t optional_number(const Json& json, const char* name) {
    return json.contains(name) ? number(json[name]) : 0;
}

const std::string& text(const Json& json) {
    if (!json.is_string()) throw Malformed{};
    return json.get_ref<const std::string&>();
}

std::uint64_t lsn(const Json& json) {
    const auto value = parse_lsn(text(json));
    if (!value) throw Malformed{};
    return *value;
}

std::int64_t time(const Json& json) {
    if (json.is_null()) return 0;
    const auto value = parse_micro_time(text(json));
    if (!value) throw Malformed{};
    return *value;
}

const Json& array(const Json& json) {
    if (!json.is_array()) throw Malformed{};
    return json;
}

std::optional<WalMoment> moment(const Json& json) {
    if (json.is_null()) return std::nullopt;
    if (array(json).size() != 2) throw Malformed{};
    return WalMoment{time(json[0]), lsn(json[1])};
}

std::vector<std::byte> bytes(const Json& json) {
    auto value = base64_decode(text(json));
    if (!value) throw Malformed{};
    return std::move(*value);
}

std::vector<std::uint32_t> numbers(const Json& json) {
    std::vector<std::uint32_t> values;
    for (const Json& each : array(json)) values.push_back(number(each));
    return values;
}

WalTransaction transaction_of(const Json& json) {
    WalTransaction transaction;
    transaction.xid = number(field(json, "xid"));
    transaction.first_lsn = lsn(field(json, "first_lsn"));
    for (const Json& lock : array(field(json, "locks"))) {
        if (array(lock).size() != 3) throw Malformed{};
        transaction.locks.push_back({number(lock[0]), number(lock[1]), lsn(lock[2])});
    }
    transaction.lock_count = number(field(json, "lock_count"));
    transaction.created = numbers(field(json, "created"));
    transaction.created_count = number(field(json, "created_count"));
    transaction.filled = numbers(field(json, "filled"));
    return transaction;
}

WalEvent event_of(const Json& json) {
    WalEvent event;
    const auto kind = std::find(kinds.begin(), kinds.end(), text(field(json, "kind")));
    if (kind == kinds.end()) throw Malformed{};
    event.kind = static_cast<WalEvent::Kind>(kind - kinds.begin());
    event.lsn = lsn(field(json, "lsn"));
    event.time = time(field(json, "time"));
    event.xid = optional_number(json, "xid");
    event.database = optional_number(json, "database");
    event.tablespace = optional_number(json, "tablespace");
    event.timeline = optional_number(json, "timeline");
    event.previous_timeline = optional_number(json, "previous_timeline");
    if (json.contains("text")) {
        const Json& value = json["text"];
        if (value.is_object()) {
            const auto raw = bytes(field(value, "base64"));
            event.text = as_text(raw);
        } else {
            event.text = text(value);
        }
    }
    if (json.contains("removed")) event.removed = numbers(json["removed"]);
    event.removed_count = optional_number(json, "removed_count");
    if (json.contains("subtransactions")) event.subtransactions = numbers(json["subtransactions"]);
    if (json.contains("transaction")) event.transaction = transaction_of(json["transaction"]);
    return event;
}

WalFacts facts_of(const Json& json) {
    if (!json.is_object() || number(field(json, "facts")) != format) throw Malformed{};
    WalFacts facts;
    if (!field(json, "complete").is_boolean()) throw Malformed{};
    facts.complete = json["complete"].get<bool>();
    facts.pg_version = number<std::uint16_t>(field(json, "pg_version"));
    facts.timeline = number(field(json, "timeline"));
    facts.begin = lsn(field(json, "begin"));
    facts.end = lsn(field(json, "end"));
    facts.last_record = lsn(field(json, "last_record"));
    facts.commits = number<std::uint64_t>(field(json, "commits"));
    facts.first_end = moment(field(json, "first_end"));
    facts.last_end = moment(field(json, "last_end"));
    facts.last_commit = moment(field(json, "last_commit"));
    facts.greatest_end = moment(field(json, "greatest_end"));
    facts.next_xid = number(field(json, "next_xid"));
    for (const Json& each : array(field(json, "checkpoints"))) {
        if (array(each).size() != 3) throw Malformed{};
        facts.checkpoints.push_back({lsn(each[0]), lsn(each[1]), time(each[2])});
    }
    for (const Json& each : array(field(json, "events"))) facts.events.push_back(event_of(each));
    for (const Json& each : array(field(json, "open"))) facts.open.push_back(transaction_of(each));
    if (json.contains("head")) {
        const Json& head = json["head"];
        facts.head = WalHead{number(field(head, "length")), bytes(field(head, "bytes"))};
    }
    if (json.contains("tail")) {
        const Json& tail = json["tail"];
        facts.tail =
            WalTail{lsn(field(tail, "lsn")), number(field(tail, "length")), bytes(field(tail, "bytes"))};
    }
    return facts;
}

}  // namespace

std::string_view to_string(WalEvent::Kind kind) noexcept {
    return kinds.at(static_cast<std::size_t>(kind));
}

std::string facts_text(WalFacts facts, std::size_t limit) {
    const auto write = [&] { return facts_json(facts).dump(-1, ' ', true, Json::error_handler_t::replace); };
    std::string text = write();
    // A shared record that is not there whole is not known; it shows by its length.
    for (std::vector<std::byte>* carried :
         {facts.head ? &facts.head->bytes : nullptr, facts.tail ? &facts.tail->bytes : nullptr}) {
        if (text.size() <= limit || carried == nullptr || carried->empty()) continue;
        carried->clear();
        text = write();
    }
    const auto halve = [&](auto& list) {
        facts.complete = false;
        list.resize(list.size() / 2);
        text = write();
    };
    while (text.size() > limit && !facts.open.empty()) halve(facts.open);
    while (text.size() > limit && !facts.events.empty()) halve(facts.events);
    return text;
}

FactsToNote facts_to_note(WalFacts facts) {
    constexpr std::size_t short_head = 512;
    std::int64_t first = 0, last = 0;
    const auto saw = [&](std::int64_t time) {
        if (time == 0) return;
        first = first == 0 ? time : std::min(first, time);
        last = std::max(last, time);
    };
    if (facts.first_end) saw(facts.first_end->time);
    if (facts.greatest_end) saw(facts.greatest_end->time);
    for (const WalCheckpoint& each : facts.checkpoints) saw(each.time);
    for (const WalEvent& event : facts.events) saw(event.time);
    FactsToNote note;
    if (first != 0) note.first_at = format_micro_time(first);
    if (last != 0) note.last_at = format_micro_time(last);
    if (facts.last_commit) note.last_commit_at = format_micro_time(facts.last_commit->time);
    note.events = static_cast<int>(facts.events.size()) + (facts.tail ? 1 : 0);
    if (facts.head && facts.head->bytes.size() > short_head) facts.head->bytes.clear();
    note.text = facts_text(std::move(facts));
    return note;
}

std::optional<WalFacts> parse_facts(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    try {
        return facts_of(json);
    } catch (const Malformed&) {
        return std::nullopt;
    }
}

}  // namespace walferry
