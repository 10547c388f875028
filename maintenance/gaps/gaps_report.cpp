#include "maintenance/gaps/gaps_report.hpp"

#include "common/clock.hpp"
#include "common/shell_word.hpp"
#include "console/json_text.hpp"

namespace walferry::gaps {
namespace {

using Place = Whereabouts::Place;

std::string range_of(const FoundGap& gap) {
    return gap.first == gap.last ? gap.first : gap.first + "-" + gap.last;
}

const char* name_of(Place place) {
    switch (place) {
        case Place::store:
            return "store";
        case Place::spool:
            return "spool";
        case Place::pg_wal:
            break;
    }
    return "pg_wal";
}

std::string how_many(const FoundGap& gap, const Whereabouts& where) {
    if (where.segments == gap.missing) return gap.missing == 1 ? "has it" : "has all of them";
    return "has " + std::to_string(where.segments) + " of them, such as " + where.first;
}

std::string line_of(const FoundGap& gap, const Whereabouts& where, const std::string& store,
                    const Settings& settings) {
    const std::string push = "walferry-archive-push --spool " + shell_word(settings.spool);
    switch (where.place) {
        case Place::store:
            return "store " + where.store + " " + how_many(gap, where) + ": `walferry sync --to " +
                   shell_word(store) + " --from " + shell_word(where.store) +
                   "` brings what is to be kept there";
        case Place::spool:
            return "this host's spool " + how_many(gap, where) + ": `walferry drain` brings it";
        case Place::pg_wal:
            break;
    }
    return "the server's pg_wal " + how_many(gap, where) + ": as its user, in its data directory, `" + push +
           " pg_wal/" + where.first + "`, then `walferry drain`";
}

std::string text_of(const FoundGap& gap, const std::string& store, const Settings& settings) {
    std::string text = "  timeline " + gap.first.substr(0, 8) + ": " +
                       counted(gap.missing, "segment is", "segments are") + " missing, " + range_of(gap) +
                       (gap.at_fork ? ", before timeline " + gap.behind.substr(0, 8) + " begins with "
                                    : "; the next one is ") +
                       gap.behind + (gap.since ? "; first seen " + *gap.since : "") +
                       (gap.recent && !gap.known ? ", so it may still be on its way" : "") + "\n";
    if (gap.known) {
        return text + "    acknowledged " + gap.known->acknowledged_at + ": " + one_line(gap.known->reason) +
               "\n";
    }
    for (const Whereabouts& where : gap.still_in)
        text += "    " + line_of(gap, where, store, settings) + "\n";
    if (gap.still_in.empty()) {
        text +=
            "    no store that answered, nor this host's spool, nor a pg_wal that could be asked has any of "
            "it: a "
            "recovery from a backup before it ends there\n"
            "    a backup behind it makes up for that: `walferry backup`; then `walferry gaps "
            "--acknowledge " +
            range_of(gap) + " --reason ...`\n";
    }
    return text;
}

nlohmann::json json_of(const FoundGap& gap) {
    nlohmann::json json{
        {"first", gap.first},   {"last", gap.last},        {"missing", gap.missing},
        {"next", gap.behind},   {"at_fork", gap.at_fork},  {"since", console::json_or_null(gap.since)},
        {"recent", gap.recent}, {"acknowledged", nullptr}, {"still_in", nlohmann::json::array()}};
    if (gap.known) json["acknowledged"] = {{"at", gap.known->acknowledged_at}, {"reason", gap.known->reason}};
    for (const Whereabouts& where : gap.still_in) {
        json["still_in"].push_back(
            {{"place", name_of(where.place)},
             {"store", where.store.empty() ? nlohmann::json(nullptr) : nlohmann::json(where.store)},
             {"segments", where.segments},
             {"first", where.first}});
    }
    return json;
}

}  // namespace

std::string gaps_text(const GapsResult& result, const Settings& settings) {
    std::string text;
    for (const StoreGaps& store : result.stores) {
        text += "store " + store.name + ":";
        if (store.trouble) {
            text += " it could not be listed\n  " + store.trouble->message() + "\n";
        } else {
            text += store.gaps.empty() ? " no gap\n" : "\n";
        }
        for (const FoundGap& gap : store.gaps) text += text_of(gap, store.name, settings);
    }
    return text;
}

std::string gaps_json(const GapsResult& result) {
    nlohmann::json stores = nlohmann::json::array();
    for (const StoreGaps& store : result.stores) {
        nlohmann::json gaps = nlohmann::json::array();
        for (const FoundGap& gap : store.gaps) gaps.push_back(json_of(gap));
        stores.push_back(
            {{"name", store.name},
             {"error", store.trouble ? nlohmann::json(store.trouble->message()) : nlohmann::json(nullptr)},
             {"gaps", gaps}});
    }
    return console::json_text({{"exit_code", result.exit_code},
                               {"system_identifier", std::to_string(result.system_identifier)},
                               {"stores", stores}}) +
           "\n";
}

}  // namespace walferry::gaps
