#include "common/ledger/ledger_sight.hpp"

#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;
using sqlite::Synchronous;

ArchiveSight sight_row(const Statement& s) {
    return {s.text(0), s.text(1), s.text(2), s.text(3), s.integer(4) != 0};
}

ListedGap gap_row(const Statement& s) {
    return {s.text(0), s.text(1), s.text(2)};
}

}  // namespace

void SightRecords::note_sight(std::int64_t store, std::uint64_t system_identifier,
                              const ArchiveSight& sight) {
    run(Synchronous::normal, sql::sight_note, store, std::to_string(system_identifier), sight.seen_at,
        sight.newest_segment, sight.newest_backup, sight.backup_is_ours ? 1 : 0);
}

std::vector<ArchiveSight> SightRecords::sights(std::uint64_t system_identifier) {
    return read(sql::sight_all, std::to_string(system_identifier)).all(sight_row);
}

bool SightRecords::knows_backup(const std::string& id) {
    return read(sql::sight_knows_backup, id).truth();
}

std::map<std::string, std::string> SightRecords::looked_through(std::int64_t store,
                                                                std::uint64_t system_identifier) {
    const auto rows =
        read(sql::sight_looked_through, store, std::to_string(system_identifier)).all([](const Statement& s) {
            return std::pair(s.text(0), s.text(1));
        });
    return {rows.begin(), rows.end()};
}

void SightRecords::note_looked_through(std::int64_t store, std::uint64_t system_identifier,
                                       const std::string& segment) {
    run(Synchronous::normal, sql::sight_note_looked_through, store, std::to_string(system_identifier),
        segment.substr(0, 8), segment);
}

std::vector<ListedGap> SightRecords::listed_gaps(std::int64_t store, std::uint64_t system_identifier) {
    return read(sql::sight_gaps, store, std::to_string(system_identifier)).all(gap_row);
}

void SightRecords::add_listed_gap(std::int64_t store, std::uint64_t system_identifier, const ListedGap& gap) {
    run(Synchronous::normal, sql::sight_add_gap, store, std::to_string(system_identifier), gap.after,
        gap.before, gap.seen_at);
}

void SightRecords::replace_listed_gap(std::int64_t store, std::uint64_t system_identifier,
                                      const ListedGap& gap, const std::vector<ListedGap>& left) {
    const std::string cluster = std::to_string(system_identifier);
    LedgerChange change(connection_, Synchronous::normal);
    change.run(sql::sight_remove_gap, store, cluster, gap.after, gap.before);
    for (const ListedGap& each : left)
        change.run(sql::sight_add_gap, store, cluster, each.after, each.before, each.seen_at);
    change.commit();
}

StoreGrowth SightRecords::growth(std::int64_t store) {
    return read(sql::sight_growth, store)
        .first([](const Statement& s) {
            return StoreGrowth{static_cast<std::uint64_t>(s.integer(0)), s.text(1), s.text(2)};
        })
        .value_or(StoreGrowth{});
}

std::map<std::string, std::string> SightRecords::note_fork_gaps(std::int64_t store,
                                                                std::uint64_t system_identifier,
                                                                const std::vector<std::string>& firsts,
                                                                const std::string& now) {
    const std::string cluster = std::to_string(system_identifier);
    std::map<std::string, std::string> since;
    for (const std::string& first : firsts) since.emplace(first, now);
    const auto known = read(sql::sight_fork_gaps, store, cluster).all([](const Statement& s) {
        return std::pair(s.text(0), s.text(1));
    });
    LedgerChange change(connection_, Synchronous::normal);
    for (const auto& [first, seen_at] : known) {
        if (const auto still = since.find(first); still != since.end())
            still->second = seen_at;
        else
            change.run(sql::sight_remove_fork_gap, store, cluster, first);
    }
    for (const auto& [first, seen_at] : since)
        change.run(sql::sight_add_fork_gap, store, cluster, first, seen_at);
    change.commit();
    return since;
}

}  // namespace walferry
