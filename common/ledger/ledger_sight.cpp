#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "sql/embedded.hpp"

// What the stores' listings showed of the whole archive.
namespace walferry {

using sqlite::Statement;

void Ledger::note_sight(std::int64_t store, std::uint64_t system_identifier, const ArchiveSight& sight) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::sight_note, store, std::to_string(system_identifier), sight.seen_at, sight.newest_segment,
               sight.newest_backup, sight.backup_is_ours ? 1 : 0);
    change.commit();
}

std::vector<ArchiveSight> Ledger::sights(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::sight_all);
    s.bind(std::to_string(system_identifier));
    std::vector<ArchiveSight> all;
    while (s.step()) all.push_back({s.text(0), s.text(1), s.text(2), s.text(3), s.integer(4) != 0});
    return all;
}

bool Ledger::knows_backup(const std::string& id) {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::sight_knows_backup);
    return s.bind(id).step() && s.integer(0) != 0;
}

std::map<std::string, std::string> Ledger::looked_through(std::int64_t store,
                                                          std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::sight_looked_through);
    s.bind(store, std::to_string(system_identifier));
    std::map<std::string, std::string> all;
    while (s.step()) all.emplace(s.text(0), s.text(1));
    return all;
}

void Ledger::note_looked_through(std::int64_t store, std::uint64_t system_identifier,
                                 const std::string& segment) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::sight_note_looked_through, store, std::to_string(system_identifier), segment.substr(0, 8),
               segment);
    change.commit();
}

std::vector<ListedGap> Ledger::listed_gaps(std::int64_t store, std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::sight_gaps);
    s.bind(store, std::to_string(system_identifier));
    std::vector<ListedGap> all;
    while (s.step()) all.push_back({s.text(0), s.text(1), s.text(2)});
    return all;
}

void Ledger::add_listed_gap(std::int64_t store, std::uint64_t system_identifier, const ListedGap& gap) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::sight_add_gap, store, std::to_string(system_identifier), gap.after, gap.before,
               gap.seen_at);
    change.commit();
}

void Ledger::replace_listed_gap(std::int64_t store, std::uint64_t system_identifier, const ListedGap& gap,
                                const std::vector<ListedGap>& left) {
    const std::string cluster = std::to_string(system_identifier);
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::sight_remove_gap, store, cluster, gap.after, gap.before);
    for (const ListedGap& each : left)
        change.run(sql::sight_add_gap, store, cluster, each.after, each.before, each.seen_at);
    change.commit();
}

}  // namespace walferry
