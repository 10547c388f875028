#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "sql/embedded.hpp"

namespace walferry {

using sqlite::Statement;

void Ledger::check() {
    const std::lock_guard lock(mutex_);
    std::string found;
    try {
        Statement integrity(*database_, "PRAGMA integrity_check(1)");
        found = integrity.step() ? integrity.text(0) : "no answer";
        // What is used is there: preparing looks up every table and column.
        for (const char* used : {sql::list_copies, sql::ledger_store_summary, sql::ledger_verified_everywhere,
                                 sql::ledger_last_run, sql::ledger_open_conflicts, sql::push_known})
            const Statement prepared(*database_, used);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::ledger_corrupt) throw;
        found = error.message();
    }
    if (found != "ok")
        throw Error(ErrorKind::ledger_corrupt, "ledger " + path_ + " is damaged: " + found,
                    sqlite::rebuild_hint);
}

int Ledger::add_listed(std::int64_t store, std::span<const ListedObject> objects, WallTime now) {
    Change change(*this, sqlite::Synchronous::normal);
    const std::string time = format_time(now);
    int fresh = 0;
    for (const ListedObject& object : objects) {
        const std::string sysid = std::to_string(object.system_identifier);
        change.run(sql::ledger_listed_segment, sysid, object.name.text, object.fingerprint,
                   to_string(object.name.kind), static_cast<std::int64_t>(object.name.timeline), time);
        change.run(sql::ledger_listed_upload, sysid, object.name.text, object.fingerprint, store, object.key,
                   static_cast<std::int64_t>(object.size), object.sha256, time);
        fresh += change.changes();
    }
    change.commit();
    return fresh;
}

void Ledger::set_missing_sizes(std::uint64_t system_identifier, std::uint64_t segment_size) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_set_missing_sizes, std::to_string(system_identifier),
               static_cast<std::int64_t>(segment_size));
    change.commit();
}

std::uint64_t Ledger::known_segment_size(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_known_segment_size);
    statement.bind(std::to_string(system_identifier));
    return statement.step() ? static_cast<std::uint64_t>(statement.integer(0)) : 0;
}

int Ledger::add_listed_conflicts(WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_listed_conflicts, format_time(now));
    const int fresh = change.changes();
    change.commit();
    return fresh;
}

int Ledger::add_listed_conflicts(std::uint64_t system_identifier, const std::string& first,
                                 const std::string& last, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_listed_conflicts_within, format_time(now), std::to_string(system_identifier),
               first, last);
    const int fresh = change.changes();
    change.commit();
    return fresh;
}

}  // namespace walferry
