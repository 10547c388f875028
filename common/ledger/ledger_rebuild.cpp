#include "common/ledger/ledger_rebuild.hpp"

#include "sql/embedded.hpp"

namespace walferry {

using sqlite::Synchronous;

int ListedRecords::add_listed(std::int64_t store, std::span<const ListedObject> objects, WallTime now) {
    LedgerChange change(connection_, Synchronous::normal);
    const std::string time = format_time(now);
    int fresh = 0;
    // Compiled once: with their triggers that takes ten times as long as running them.
    sqlite::Statement add_segment(change.database(), sql::ledger_listed_segment);
    sqlite::Statement add_upload(change.database(), sql::ledger_listed_upload);
    for (const ListedObject& object : objects) {
        const std::string sysid = std::to_string(object.system_identifier);
        add_segment
            .bind(sysid, object.name.text, object.fingerprint, to_string(object.name.kind),
                  static_cast<std::int64_t>(object.name.timeline), time)
            .run();
        add_upload
            .bind(sysid, object.name.text, object.fingerprint, store, object.key,
                  static_cast<std::int64_t>(object.size), object.sha256, time)
            .run();
        fresh += change.changes();
    }
    change.commit();
    return fresh;
}

void ListedRecords::set_missing_sizes(std::uint64_t system_identifier, std::uint64_t segment_size) {
    run(Synchronous::normal, sql::ledger_set_missing_sizes, std::to_string(system_identifier),
        static_cast<std::int64_t>(segment_size));
}

std::uint64_t ListedRecords::known_segment_size(std::uint64_t system_identifier) {
    return read(sql::ledger_known_segment_size, std::to_string(system_identifier))
        .first([](const sqlite::Statement& s) { return static_cast<std::uint64_t>(s.integer(0)); })
        .value_or(0);
}

int ListedRecords::add_listed_conflicts(WallTime now) {
    return run(Synchronous::full, sql::ledger_listed_conflicts, format_time(now));
}

int ListedRecords::add_listed_conflicts(std::uint64_t system_identifier, const std::string& first,
                                        const std::string& last, WallTime now) {
    return run(Synchronous::full, sql::ledger_listed_conflicts_within, format_time(now),
               std::to_string(system_identifier), first, last);
}

}  // namespace walferry
