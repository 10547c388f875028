#include "common/ledger/ledger_facts.hpp"

#include "sql/embedded.hpp"

// What the records of segments tell, as text; what it means is the codec's.
namespace walferry {
namespace {

using sqlite::Statement;

KnownFacts facts_row(const Statement& s) {
    return {s.integer(0), s.text(1), s.optional_text(2), s.text(3), s.text(4)};
}

WalRunRow run_row(const Statement& s) {
    const auto number = [&](int column) { return static_cast<std::uint64_t>(s.integer(column)); };
    return {static_cast<std::uint32_t>(s.integer(0)), number(1), number(2), number(3)};
}

}  // namespace

void FactRecords::note_facts(std::int64_t segment, const FactsToNote& facts) {
    run(sqlite::Synchronous::normal, sql::facts_note, segment, facts.text, facts.first_at, facts.last_at,
        facts.last_commit_at, facts.events);
}

std::vector<std::int64_t> FactRecords::segments_between(std::uint64_t system_identifier,
                                                        const std::string& since, const std::string& until) {
    return read(sql::facts_between, std::to_string(system_identifier), since, until)
        .all([](const Statement& s) { return s.integer(0); });
}

std::optional<KnownFacts> FactRecords::facts_of(std::int64_t segment) {
    return read(sql::facts_by_id, segment).first(facts_row);
}

std::vector<KnownFacts> FactRecords::facts_up_to(std::uint64_t system_identifier, const std::string& segment,
                                                 int most) {
    return read(sql::facts_up_to, std::to_string(system_identifier), segment, most).all(facts_row);
}

std::optional<KnownFacts> FactRecords::facts_of(std::uint64_t system_identifier, const std::string& segment) {
    return read(sql::facts_of, std::to_string(system_identifier), segment).first(facts_row);
}

std::vector<KnownFacts> FactRecords::without_facts(std::uint64_t system_identifier, const std::string& after,
                                                   const std::string& spooled_since, int most) {
    return read(spooled_since.empty() ? sql::facts_unknown : sql::facts_unknown_since,
                std::to_string(system_identifier), after, spooled_since, most)
        .all(facts_row);
}

std::optional<std::string> FactRecords::first_unverified(std::uint64_t system_identifier, std::int64_t store,
                                                         const std::string& from, const std::string& to) {
    return read(sql::facts_unverified, std::to_string(system_identifier), store, from, to).text();
}

std::optional<std::string> FactRecords::first_only_listed(std::uint64_t system_identifier, std::int64_t store,
                                                          const std::string& from, const std::string& to) {
    return read(sql::facts_only_listed, std::to_string(system_identifier), store, from, to).text();
}

bool FactRecords::holds_history(std::uint64_t system_identifier, std::int64_t store, std::uint32_t timeline) {
    return read(sql::facts_holds_history, std::to_string(system_identifier), store,
                static_cast<std::int64_t>(timeline))
        .any();
}

std::optional<std::string> FactRecords::newest_backup_end(std::uint64_t system_identifier,
                                                          std::int64_t store) {
    return read(sql::facts_backup_end, std::to_string(system_identifier), store)
        .first([](const Statement& s) { return s.optional_text(0); })
        .value_or(std::nullopt);
}

std::vector<WalRunRow> FactRecords::wal_runs(std::uint64_t system_identifier) {
    return read(sql::facts_runs, std::to_string(system_identifier)).all(run_row);
}

}  // namespace walferry
