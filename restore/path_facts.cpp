#include "restore/path_facts.hpp"

#include "common/codec/wal_facts_text.hpp"
#include "common/error.hpp"
#include "common/wal/facts_reader.hpp"
#include "common/wal/wal_records.hpp"

namespace walferry::restore {
namespace {

constexpr std::int64_t postgres_epoch = 946684800000000;  // 2000-01-01 in microseconds since 1970

}  // namespace

PathFacts::PathFacts(archive::ArchiveSurvey& survey, WalSearch& search, const Settings& settings)
    : survey_(survey), search_(search) {
    try {
        ledger_ = std::make_unique<Ledger>(SpoolPaths(settings.spool), Ledger::Open::existing);
    } catch (const Error&) {
        // A host that restores has none.
    }
}

std::optional<WalFacts> PathFacts::from_segment(const WalName& name) {
    const auto bytes = search_.read(name);
    if (!bytes) return std::nullopt;
    FactsReader reader;
    reader.write(*bytes);
    return reader.finish();
}

std::optional<WalFacts> PathFacts::of(const WalName& name) {
    // Of a name with several contents only that one tells which recovery takes.
    const auto content = survey_.content(name);
    if (content) {
        if (auto facts = from_ledger(name, *content)) return facts;
        if (const auto envelope = survey_.envelope(name, *content)) {
            auto facts = envelope->facts.empty() ? std::nullopt : parse_facts(envelope->facts);
            if (facts && facts->complete) return facts;
        }
    }
    return from_segment(name);
}

/// The ledger keeps little of what is carried over the beginning.
std::optional<WalFacts> PathFacts::from_ledger(const WalName& name, std::uint64_t content) {
    if (!ledger_) return std::nullopt;
    try {
        constexpr int most_contents = 8;
        for (const KnownFacts& row :
             ledger_->facts_up_to(survey_.system_identifier(), name.text, most_contents)) {
            if (row.name != name.text || archive::short_content(row.fingerprint) != content || !row.text)
                continue;
            auto facts = parse_facts(*row.text);
            if (facts && facts->complete) return facts;
        }
    } catch (const Error&) {
        ledger_.reset();
    }
    return std::nullopt;
}

void PathFacts::walk(const archive::SurveyedBackup& backup, const archive::Reach& reach, std::uint64_t from,
                     std::uint64_t to, const std::function<bool(const Segment&)>& visit) {
    const auto names = search_.segments(backup, reach, from, to);
    if (!names) {
        unknown_.push_back("the way along timeline " + std::to_string(reach.timeline));
        return;
    }
    std::optional<Segment> before;
    for (const WalName& name : *names) {
        auto facts = of(name);
        if (before && before->facts.tail) {
            auto behind = facts;
            if (!behind || !join_facts(before->facts, *behind)) {
                // Whole segments carry more than a ledger or an envelope may.
                auto whole = from_segment(before->name);
                behind = from_segment(name);
                if (whole && behind && (!whole->tail || join_facts(*whole, *behind)))
                    before->facts = std::move(*whole);
                else
                    unknown_.push_back(before->name.text);
            }
        }
        if (before && !visit(*before)) return;
        before.reset();
        if (!facts || !facts->complete) unknown_.push_back(name.text);
        if (facts) before = Segment{name, std::move(*facts)};
    }
    if (before) visit(*before);
}

std::optional<std::uint64_t> PathFacts::first_end_after(const WalName& name, std::int64_t time,
                                                        bool exclusive) {
    const auto bytes = search_.read(name);
    if (!bytes) return std::nullopt;
    std::optional<std::uint64_t> found;
    WalRecords records([&](const WalRecord& record) {
        if (found || record.kind != WalRecord::Kind::transaction_end) return;
        const std::int64_t ended = record.time + postgres_epoch;
        if (exclusive ? ended >= time : ended > time) found = record.lsn;
    });
    records.segment(*bytes);
    return found;
}

}  // namespace walferry::restore
