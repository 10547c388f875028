#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/settings_values.hpp"
#include "console/json_text.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct Options {
    std::string state, store, name, since;
    std::int64_t last = 0;
    bool json = false;
};

nlohmann::json as_json(const ListRow& row) {
    return {{"system_identifier", std::to_string(row.system_identifier)},
            {"name", row.name},
            {"fingerprint", row.fingerprint},
            {"size", row.size},
            {"spooled_at", row.spooled_at},
            {"removed_at", console::json_or_null(row.removed_at)},
            {"store", row.store},
            {"state", row.state},
            {"object_key", row.object_key.empty() ? nlohmann::json(nullptr) : nlohmann::json(row.object_key)},
            {"attempts", row.attempts},
            {"last_error", console::json_or_null(row.last_error)},
            {"verified_at", console::json_or_null(row.verified_at)}};
}

/// parse_duration() and days.
std::optional<std::chrono::milliseconds> age_of(const std::string& text) {
    if (!text.ends_with('d')) return parse_duration(text);
    const auto hours = parse_duration(text.substr(0, text.size() - 1) + "h");
    return hours && *hours < std::chrono::hours(1'000'000) ? std::optional(*hours * 24) : std::nullopt;
}

/// A time as the ledger has it, or its beginning; an age counts back from now.
std::string since(const std::string& text) {
    if (const auto age = age_of(text)) return format_time(wall_now() - *age);
    static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    std::string time = text;
    if (time.size() > 10 && time[10] == ' ') time[10] = 'T';
    bool good = time.size() >= 10 && time.size() <= shape.size();
    for (std::size_t i = 0; good && i < time.size(); ++i) {
        const bool digit = time[i] >= '0' && time[i] <= '9';
        good = shape[i] == 'd' ? digit : time[i] == shape[i] || (time[i] == 'Z' && i + 1 == time.size());
    }
    if (!good) {
        throw Error(ErrorKind::usage, "--since " + text + " is neither an age nor a time",
                    "\"2h\", \"7d\"; or UTC as this list shows it: 2026-01-31, 2026-01-31T09:05");
    }
    if (time.back() == 'Z') time.pop_back();
    return time;
}

ListQuery query_of(const Options& options) {
    const auto given = [](const std::string& text) {
        return text.empty() ? std::nullopt : std::optional(text);
    };
    ListQuery query{given(options.state), given(options.store), given(options.name)};
    if (!options.since.empty()) query.since = since(options.since);
    if (options.last > 0) query.last = options.last;
    return query;
}

int run(const GlobalOptions& global, const Options& options) {
    const ListQuery query = query_of(options);
    const Settings settings = load_settings(settings_path(global.config));
    Ledger ledger(SpoolPaths(settings.spool), Ledger::Open::existing);
    // Written as it is read. A reader that leaves, as `head` does, ends it.
    const auto goes_on = [] { return std::ferror(stdout) == 0; };
    if (options.json) {
        const char* between = "[\n";
        ledger.list(query, [&](const ListRow& row) {
            std::printf("%s  %s", between, console::json_line(as_json(row)).c_str());
            between = ",\n";
            return goes_on();
        });
        std::printf("%s", between[0] == '[' ? "[]\n" : "\n]\n");
        return 0;
    }
    ledger.list(query, [&](const ListRow& row) {
        std::printf("%-40s %12llu  %-16s %-8s  %s\n", one_line(row.name).c_str(),
                    static_cast<unsigned long long>(row.size), row.store.c_str(), row.state.c_str(),
                    row.verified_at.value_or(row.last_error.value_or("")).c_str());
        return goes_on();
    });
    return 0;
}

}  // namespace

CommandBody declare_list(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("--state", options->state, "Only uploads in this state: pending, stored or verified")
        ->type_name("STATE")
        ->check(CLI::IsMember({"pending", "stored", "verified"}));
    app.add_option("--store", options->store, "Only this store")->type_name("NAME");
    app.add_option("--name", options->name, "Only segments whose name begins with this")->type_name("PREFIX");
    app.add_option("--since", options->since,
                   "Only segments that were spooled since: an age (2h, 7d) or a time in UTC "
                   "(2026-01-31, 2026-01-31T09:05)")
        ->type_name("WHEN");
    app.add_option("--last", options->last, "Only the segments that were spooled last, so many")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", options->json, "As JSON, with fingerprints and object keys");
    app.footer(
        "A line a segment and store: name, bytes, store, state, and when it was verified or what\n"
        "went wrong last. By name; with --since or --last the oldest first. Written while it is\n"
        "read, so years of segments need no memory. The same is in the ledger's view `copies`, for\n"
        "the sqlite3 shell.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
