#include "maintenance/verify/verify_report.hpp"

#include "common/clock.hpp"
#include "common/error.hpp"
#include "console/json_text.hpp"

namespace walferry::verify {
namespace {

using Ended = StoreResult::Ended;

const char* state_of(const StoreResult& store) {
    if (store.trouble) return traits(store.trouble->kind()).scope == Scope::store ? "unreachable" : "failed";
    return store.damage.empty() ? "sound" : "damaged";
}

const char* end_of(Ended ended) {
    switch (ended) {
        case Ended::done:
            return "done";
        case Ended::max_bytes:
            return "max-bytes";
        case Ended::time:
            return "time";
        case Ended::stopped:
            return "stopped";
        case Ended::trouble:
            break;
    }
    return "trouble";
}

std::string line_of(const Damage& damage) {
    std::string text = damage.is_new ? "  DAMAGED: " : "  damaged, known since " + damage.since + ": ";
    text += damage.key + ": " + damage.what + "\n";
    if (!damage.healing.why_not.empty()) text += "    not healed: " + damage.healing.why_not + "\n";
    return text;
}

std::string line_of_healed(const Damage& damage) {
    std::string text =
        "  healed from store " + damage.healing.from + ": " + damage.key + " (" + damage.what + ")\n";
    if (!damage.healing.other.empty()) text += "    as " + damage.healing.other + "\n";
    return text;
}

std::string why_it_ended(const StoreResult& store) {
    switch (store.ended) {
        case Ended::max_bytes:
            return ", as much as --max-bytes allows";
        case Ended::time:
            return ", as much as --for allows";
        case Ended::stopped:
            return " until it was stopped";
        case Ended::trouble:
            return " until it failed";
        case Ended::done:
            break;
    }
    return "";
}

std::string text_of(const StoreResult& store, bool opening) {
    std::string text = "store " + store.name + ": ";
    if (store.trouble && store.objects == 0 && store.bytes == 0) {
        text += "nothing was read";
    } else {
        text += counted(store.objects, "object", "objects") + " read (" + format_bytes(store.bytes) + ")";
        if (opening) text += ", " + std::to_string(store.opened - store.for_others) + " opened";
        if (store.for_others > 0)
            text += ", " + std::to_string(store.for_others) + " that no identity here opens";
        text += why_it_ended(store);
    }
    text += "\n";
    if (store.trouble) {
        text += "  " + store.trouble->message() + "\n";
        if (!store.trouble->hint().empty()) text += "  hint: " + store.trouble->hint() + "\n";
    }
    for (const Damage& damage : store.damage) text += line_of(damage);
    for (const Damage& damage : store.healed) text += line_of_healed(damage);
    if (store.longest_unread) {
        text += "  of " + counted(store.all_objects, "object", "objects") + " (" +
                format_bytes(store.all_bytes) + ") none is unread since before " + *store.longest_unread;
        text += store.due_bytes > 0 ? "; " + format_bytes(store.due_bytes) + " are due\n" : "\n";
    }
    return text;
}

nlohmann::json json_of(const Damage& damage) {
    nlohmann::json json{
        {"key", damage.key}, {"what", damage.what}, {"since", damage.since}, {"new", damage.is_new}};
    if (!damage.healing.from.empty()) json["healed_from"] = damage.healing.from;
    if (!damage.healing.other.empty()) json["replaced_by"] = damage.healing.other;
    if (!damage.healing.why_not.empty()) json["not_healed"] = damage.healing.why_not;
    return json;
}

nlohmann::json json_of(const std::vector<Damage>& all) {
    nlohmann::json json = nlohmann::json::array();
    for (const Damage& damage : all) json.push_back(json_of(damage));
    return json;
}

nlohmann::json json_of(const StoreResult& store) {
    return {{"name", store.name},
            {"state", state_of(store)},
            {"ended", end_of(store.ended)},
            {"error", store.trouble ? nlohmann::json(store.trouble->message()) : nlohmann::json(nullptr)},
            {"objects_read", store.objects},
            {"bytes_read", store.bytes},
            {"objects_opened", store.opened - store.for_others},
            {"objects_for_others", store.for_others},
            {"other_files", store.nameless},
            {"objects", store.all_objects},
            {"bytes", store.all_bytes},
            {"bytes_due", store.due_bytes},
            {"unread_since", console::json_or_null(store.longest_unread)},
            {"damage", json_of(store.damage)},
            {"healed", json_of(store.healed)}};
}

}  // namespace

std::string verify_text(const VerifyResult& result) {
    std::string text;
    bool damaged = false;
    for (const StoreResult& store : result.stores) {
        text += text_of(store, result.opening);
        damaged = damaged || !store.damage.empty();
    }
    if (damaged) text += "`walferry verify --heal` replaces what another store has sound\n";
    return text;
}

std::string verify_json(const VerifyResult& result) {
    nlohmann::json stores = nlohmann::json::array();
    for (const StoreResult& store : result.stores) stores.push_back(json_of(store));
    return console::json_text(
               {{"exit_code", result.exit_code}, {"opening", result.opening}, {"stores", stores}}) +
           "\n";
}

std::string verify_line(const VerifyView& view, std::chrono::milliseconds elapsed) {
    std::string line;
    for (const auto& store : view.stores) {
        const RoundView& round = store->round;
        const std::uint64_t bytes = round.bytes;
        const std::uint64_t wanted = round.wanted;
        if (!line.empty()) line += " | ";
        line += store->name + " " + format_bytes(bytes) + " of " + format_bytes(wanted);
        if (bytes > 0 && wanted > bytes && elapsed.count() > 0) {
            const double left = static_cast<double>(wanted - bytes) / static_cast<double>(bytes) *
                                static_cast<double>(elapsed.count()) / 1000;
            line +=
                ", " + format_duration(std::chrono::seconds(static_cast<std::int64_t>(left) + 1)) + " left";
        }
        if (round.damaged > 0) line += ", " + std::to_string(round.damaged) + " DAMAGED";
    }
    return line;
}

}  // namespace walferry::verify
