#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_change.hpp"
#include "sql/embedded.hpp"

// What the records of segments tell, as text; what it means is the codec's.
namespace walferry {
namespace {

KnownFacts row(const sqlite::Statement& s) {
    return {s.integer(0), s.text(1), s.optional_text(2), s.text(3), s.text(4)};
}

std::vector<KnownFacts> rows(sqlite::Statement& statement) {
    std::vector<KnownFacts> all;
    while (statement.step()) all.push_back(row(statement));
    return all;
}

}  // namespace

void Ledger::note_facts(std::int64_t segment, const FactsToNote& facts) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::facts_note, segment, facts.text, facts.first_at, facts.last_at, facts.last_commit_at,
               facts.events);
    change.commit();
}

std::vector<KnownFacts> Ledger::facts_between(std::uint64_t system_identifier, const std::string& since,
                                              const std::string& until) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_between);
    return rows(statement.bind(std::to_string(system_identifier), since, until));
}

std::vector<KnownFacts> Ledger::facts_up_to(std::uint64_t system_identifier, const std::string& segment,
                                            int most) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_up_to);
    return rows(statement.bind(std::to_string(system_identifier), segment, most));
}

std::optional<KnownFacts> Ledger::facts_of(std::uint64_t system_identifier, const std::string& segment) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_of);
    if (!statement.bind(std::to_string(system_identifier), segment).step()) return std::nullopt;
    return row(statement);
}

std::vector<KnownFacts> Ledger::without_facts(std::uint64_t system_identifier, const std::string& after,
                                              const std::string& spooled_since, int most) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_,
                                spooled_since.empty() ? sql::facts_unknown : sql::facts_unknown_since);
    return rows(statement.bind(std::to_string(system_identifier), after, spooled_since, most));
}

std::optional<std::string> Ledger::first_unverified(std::uint64_t system_identifier, std::int64_t store,
                                                    const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_unverified);
    if (!statement.bind(std::to_string(system_identifier), store, from, to).step()) return std::nullopt;
    return statement.text(0);
}

std::optional<std::string> Ledger::first_only_listed(std::uint64_t system_identifier, std::int64_t store,
                                                     const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_only_listed);
    if (!statement.bind(std::to_string(system_identifier), store, from, to).step()) return std::nullopt;
    return statement.text(0);
}

bool Ledger::holds_history(std::uint64_t system_identifier, std::int64_t store, std::uint32_t timeline) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_holds_history);
    return statement.bind(std::to_string(system_identifier), store, static_cast<std::int64_t>(timeline))
        .step();
}

std::optional<std::string> Ledger::newest_backup_end(std::uint64_t system_identifier, std::int64_t store) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_backup_end);
    if (!statement.bind(std::to_string(system_identifier), store).step()) return std::nullopt;
    return statement.optional_text(0);
}

std::vector<WalRunRow> Ledger::wal_runs(std::uint64_t system_identifier) {
    const std::lock_guard lock(mutex_);
    sqlite::Statement statement(*database_, sql::facts_runs);
    statement.bind(std::to_string(system_identifier));
    std::vector<WalRunRow> all;
    while (statement.step()) {
        all.push_back({static_cast<std::uint32_t>(statement.integer(0)),
                       static_cast<std::uint64_t>(statement.integer(1)),
                       static_cast<std::uint64_t>(statement.integer(2)),
                       static_cast<std::uint64_t>(statement.integer(3))});
    }
    return all;
}

}  // namespace walferry
