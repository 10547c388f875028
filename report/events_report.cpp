#include "report/events_report.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/micro_time.hpp"
#include "common/shell_word.hpp"
#include "common/wal/lsn.hpp"
#include "console/json_text.hpp"
#include "server/conninfo.hpp"
#include "server/role_connection.hpp"

namespace walferry::report {
namespace {

using Json = nlohmann::json;

std::uint32_t number(const std::string& text) {
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::unique_ptr<server::ServerConnection> connect(const std::string& conninfo) {
    return server::connect_to_server(
        conninfo, server::ServerConnection::Kind::sql, [] {}, [](const std::string&) {});
}

/// The same server's other database.
std::string with_database(const std::string& conninfo, const std::string& database) {
    server::Conninfo keywords = server::parse_conninfo(conninfo);
    keywords["dbname"] = database;
    return server::conninfo_text(keywords);
}

std::string database_name(std::uint32_t oid, const Names& names) {
    const auto known = names.databases.find(oid);
    return known == names.databases.end() ? "database " + std::to_string(oid)
                                          : "database " + known->second + " (" + std::to_string(oid) + ")";
}

std::string tablespace_name(std::uint32_t oid, const Names& names) {
    const auto known = names.tablespaces.find(oid);
    return known == names.tablespaces.end()
               ? "tablespace " + std::to_string(oid)
               : "tablespace " + known->second + " (" + std::to_string(oid) + ")";
}

/// The relations that were locked, the first of which is most often the table.
std::string relations(const WalEvent& event, const Names& names) {
    std::string text;
    std::size_t told = 0;
    for (const WalLock& lock : event.transaction.locks) {
        if (told++ == 4) {
            text += " and more";
            break;
        }
        const auto known = names.relations.find({lock.database, lock.relation});
        text += (text.empty() ? "" : ", ") +
                (known == names.relations.end() ? std::to_string(lock.relation)
                                                : known->second + " (" + std::to_string(lock.relation) + ")");
    }
    return text.empty() ? "" : ": relation " + text;
}

std::string removal_word(Removal removal) {
    switch (removal) {
        case Removal::dropped:
            return "dropped";
        case Removal::truncated:
            return "truncated";
        default:
            return "files replaced or removed";
    }
}

std::string describe(const ToldEvent& told, const Names& names) {
    const WalEvent& event = told.event;
    switch (event.kind) {
        case WalEvent::Kind::restore_point:
            return "restore point " + event.text;
        case WalEvent::Kind::database_created:
            if (told.is_move())
                return "moved " + database_name(event.database, names) + " to " +
                       tablespace_name(event.tablespace, names);
            return "created " + database_name(event.database, names);
        case WalEvent::Kind::database_dropped:
            return "dropped " + database_name(event.database, names);
        case WalEvent::Kind::tablespace_created:
            return "created " + tablespace_name(event.tablespace, names) + " at " + event.text;
        case WalEvent::Kind::tablespace_dropped:
            return "dropped " + tablespace_name(event.tablespace, names);
        case WalEvent::Kind::files_removed:
            return removal_word(removal_of(event)) + " in " + database_name(event.database, names) +
                   relations(event, names) + " (" + counted(event.removed_count, "file", "files") + ")";
        case WalEvent::Kind::parameters:
            return "parameters: " + event.text;
        case WalEvent::Kind::end_of_recovery:
            return "timeline " + std::to_string(event.timeline) + " began, from timeline " +
                   std::to_string(event.previous_timeline);
    }
    return {};
}

std::string target_of(const ToldEvent& told) {
    if (told.event.kind == WalEvent::Kind::restore_point)
        return "--target-name " + shell_word(told.event.text);
    if (told.before() == 0) return {};
    return "--target-lsn " + format_lsn(told.before()) + " --exclusive";
}

std::string kind_of(const ToldEvent& told) {
    const WalEvent& event = told.event;
    switch (event.kind) {
        case WalEvent::Kind::files_removed: {
            const Removal removal = removal_of(event);
            return removal == Removal::dropped     ? "dropped"
                   : removal == Removal::truncated ? "truncated"
                                                   : "files_replaced_or_removed";
        }
        case WalEvent::Kind::restore_point:
            return "restore_point";
        case WalEvent::Kind::database_created:
            return told.is_move() ? "database_moved" : "database_created";
        case WalEvent::Kind::database_dropped:
            return "database_dropped";
        case WalEvent::Kind::tablespace_created:
            return "tablespace_created";
        case WalEvent::Kind::tablespace_dropped:
            return "tablespace_dropped";
        case WalEvent::Kind::parameters:
            return "parameters";
        case WalEvent::Kind::end_of_recovery:
            return "timeline";
    }
    return {};
}

Json time_json(const std::optional<std::int64_t>& time) {
    return time ? Json(format_micro_time(*time)) : Json(nullptr);
}

Json name_json(const std::map<std::uint32_t, std::string>& names, std::uint32_t oid) {
    const auto known = names.find(oid);
    return known == names.end() ? Json(nullptr) : Json(known->second);
}

Json event_json(const ToldEvent& told, const Names& names) {
    const WalEvent& event = told.event;
    Json json{{"kind", kind_of(told)},
              {"time", time_json(event.time == 0 ? std::nullopt : std::optional(event.time))},
              {"at", time_json(told.at)},
              {"lsn", format_lsn(event.lsn)},
              {"timeline", told.timeline},
              {"segment", told.segment}};
    if (event.xid != 0) json["xid"] = event.xid;
    if (!told.begin_known) json["begin_known"] = false;
    if (told.before() != 0) json["before_lsn"] = format_lsn(told.before());
    if (const std::string target = target_of(told); !target.empty()) json["target"] = target;
    if (event.database != 0) {
        json["database_oid"] = event.database;
        json["database"] = name_json(names.databases, event.database);
    }
    if (event.tablespace != 0) {
        json["tablespace_oid"] = event.tablespace;
        json["tablespace"] = name_json(names.tablespaces, event.tablespace);
    }
    if (event.kind == WalEvent::Kind::restore_point) json["name"] = event.text;
    if (event.kind == WalEvent::Kind::tablespace_created) json["path"] = event.text;
    if (event.kind == WalEvent::Kind::parameters) json["parameters"] = event.text;
    if (event.kind == WalEvent::Kind::end_of_recovery) {
        json["new_timeline"] = event.timeline;
        json["previous_timeline"] = event.previous_timeline;
    }
    if (event.kind == WalEvent::Kind::files_removed) {
        json["files"] = event.removed_count;
        auto& all = json["relations"] = Json::array();
        for (const WalLock& lock : event.transaction.locks) {
            const auto known = names.relations.find({lock.database, lock.relation});
            all.push_back({{"oid", lock.relation},
                           {"name", known == names.relations.end() ? Json(nullptr) : Json(known->second)}});
        }
    }
    return json;
}

}  // namespace

Names names_from_server(const Settings& settings, std::uint64_t system_identifier) {
    Names names;
    try {
        const auto server = connect(settings.server_conninfo);
        const server::ServerRows own = server->query("SELECT system_identifier FROM pg_control_system()");
        if (own.size() != 1 || own.text(0, 0) != std::to_string(system_identifier)) return names;
        const server::ServerRows databases = server->query("SELECT oid, datname FROM pg_database");
        for (int i = 0; i < databases.size(); ++i)
            names.databases.emplace(number(databases.text(i, 0)), databases.text(i, 1));
        const server::ServerRows spaces = server->query("SELECT oid, spcname FROM pg_tablespace");
        for (int i = 0; i < spaces.size(); ++i)
            names.tablespaces.emplace(number(spaces.text(i, 0)), spaces.text(i, 1));
    } catch (const Error&) {
        // OIDs tell as much, only less readably.
    }
    return names;
}

void look_up_relations(const Settings& settings, const EventsFound& found, Names& names) {
    std::map<std::uint32_t, std::set<std::uint32_t>> wanted;
    for (const ToldEvent& told : found.events) {
        for (const WalLock& lock : told.event.transaction.locks) {
            if (names.databases.contains(lock.database)) wanted[lock.database].insert(lock.relation);
        }
    }
    for (const auto& [database, oids] : wanted) {
        try {
            const auto server = connect(with_database(settings.server_conninfo, names.databases[database]));
            std::string list;
            for (const std::uint32_t oid : oids) list += (list.empty() ? "" : ",") + std::to_string(oid);
            const server::ServerRows rows = server->query(
                "SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "
                "JOIN "
                "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN (" +
                list + ")");
            for (int i = 0; i < rows.size(); ++i)
                names.relations.emplace(std::pair(database, number(rows.text(i, 0))), rows.text(i, 1));
        } catch (const Error&) {
            continue;  // the role may not connect there
        }
    }
}

std::uint32_t database_oid(const std::string& name_or_oid, const Names& names) {
    for (const auto& [oid, name] : names.databases) {
        if (name == name_or_oid) return oid;
    }
    std::uint32_t oid = 0;
    const char* end = name_or_oid.data() + name_or_oid.size();
    const auto read = std::from_chars(name_or_oid.data(), end, oid);
    if (read.ec == std::errc() && read.ptr == end && oid != 0) return oid;
    throw Error(ErrorKind::usage,
                "--database " + name_or_oid + ": the server has no database of that name" +
                    (names.databases.empty() ? ", as far as is known: it could not be asked" : std::string()),
                "a database that was dropped, and one of a server that does not answer, is named by its OID");
}

std::string events_text(const EventsFound& found, const Names& names) {
    std::string text;
    for (const ToldEvent& told : found.events) {
        const std::string time =
            told.event.time != 0 ? format_micro_time(told.event.time)
            : told.at ? "about " + format_time(WallTime(std::chrono::milliseconds(*told.at / 1000)))
                      : std::string("?");
        text += time + "  " + one_line(describe(told, names)) + "\n";
        if (told.event.xid != 0) text += "    transaction " + std::to_string(told.event.xid) + "\n";
        if (!told.begin_known)
            text +=
                "    where its transaction began is not known, so no target before it can be named: facts of "
                "the WAL before it are missing (`walferry events --fetch`)\n";
        const std::string target = target_of(told);
        if (told.event.kind == WalEvent::Kind::restore_point) {
            text += "    restore to it: " + one_line(target) + "\n";
        } else if (!target.empty()) {
            text += "    restore to before it: " + target + "\n";
        }
    }
    for (const ToldGap& told : found.gaps) {
        text += (told.after ? format_micro_time(*told.after) : std::string("?")) +
                "  missing: " + counted(static_cast<std::uint64_t>(told.gap.missing), "segment", "segments") +
                " between " + told.gap.after + " and " + told.gap.before + "\n";
    }
    if (text.empty()) text = "nothing of that time is known\n";
    if (found.unknown > 0) {
        text += "not known: what happened in " + counted(found.unknown, "segment", "segments") +
                " that this ledger has only seen in listings; `walferry events --fetch` reads it from the "
                "stores, on a host with an identity\n";
    }
    if (found.incomplete > 0) {
        text += "not all is told of " + counted(found.incomplete, "segment", "segments") +
                ": more happened there than is kept, or a record could not be put together\n";
    }
    return text;
}

std::string events_json(const EventsFound& found, const Names& names) {
    Json json{{"segments_unknown", found.unknown}, {"segments_incomplete", found.incomplete}};
    auto& events = json["events"] = Json::array();
    for (const ToldEvent& told : found.events) events.push_back(event_json(told, names));
    auto& gaps = json["gaps"] = Json::array();
    for (const ToldGap& told : found.gaps) {
        gaps.push_back({{"after_segment", told.gap.after},
                        {"before_segment", told.gap.before},
                        {"missing", told.gap.missing},
                        {"after", time_json(told.after)},
                        {"before", time_json(told.before)}});
    }
    return console::json_text(json) + "\n";
}

}  // namespace walferry::report
