#include "report/events.hpp"

#include <algorithm>
#include <limits>

#include "common/clock.hpp"
#include "common/codec/wal_facts_text.hpp"
#include "common/micro_time.hpp"
#include "common/wal/record_data.hpp"
#include "common/wal/record_facts.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::report {
namespace {

constexpr int most_before = 512;     // segments that a transaction is followed back
constexpr int most_unknown = 10000;  // counted
constexpr int most_of_a_move = 64;   // segments between a database's copy and the removal of what was copied

std::int64_t spooled(const KnownFacts& row) {
    const auto time = parse_time(row.spooled_at);
    return time ? time->time_since_epoch().count() * 1000 : 0;
}

/// As times are ordered in the ledger; the years before and behind it are all the same.
std::string bound(std::int64_t time) {
    constexpr std::int64_t year_10000 = 253402300800000000;
    if (time <= 0) return "";
    return time >= year_10000 ? "9999-12-31T23:59:59.999999Z" : format_micro_time(time);
}

class Search {
  public:
    Search(Ledger& ledger, std::uint64_t system_identifier, const EventsWanted& wanted)
        : ledger_(ledger), sysid_(system_identifier), wanted_(wanted) {}

    EventsFound find() {
        for (const std::int64_t segment :
             ledger_.segments_between(sysid_, bound(wanted_.since), bound(wanted_.until))) {
            if (const auto row = ledger_.facts_of(segment)) look_into(*row);
        }
        find_gaps();
        found_.unknown =
            ledger_.without_facts(sysid_, "", bound(wanted_.since).substr(0, 23), most_unknown).size();
        return std::move(found_);
    }

  private:
    void look_into(const KnownFacts& row) {
        const auto name = WalName::parse(row.name);
        auto facts = row.text ? parse_facts(*row.text) : std::nullopt;
        if (!name || !facts) return;
        if (facts->tail) join(*name, *facts);
        if (!facts->complete || facts->tail) ++found_.incomplete;
        for (WalEvent& event : facts->events) {
            ToldEvent told{std::move(event), name->timeline, row.name, std::nullopt};
            told.at = told.event.time != 0 ? told.event.time
                      : facts->last_end    ? facts->last_end->time
                                           : spooled(row);
            if (*told.at < wanted_.since || *told.at > wanted_.until) continue;
            if (wanted_.database && told.event.database != *wanted_.database) continue;
            if (told.event.kind == WalEvent::Kind::files_removed)
                told.begin_known = follow_back(*name, *facts, told.event);
            // What is hidden is what certainly lost nothing.
            if (told.event.kind == WalEvent::Kind::files_removed && told.begin_known &&
                removal_of(told.event) == Removal::replaced)
                continue;
            if (told.event.kind == WalEvent::Kind::database_dropped && ends_a_move(*name, told.event))
                continue;
            note_move(told.event);
            found_.events.push_back(std::move(told));
        }
    }

    /// The record that goes on in the next segment, of this timeline or of one that leads on from it.
    void join(const WalName& name, WalFacts& facts) {
        const auto row = ledger_.facts_of(sysid_, next_name(name, facts));
        auto next = row && row->text ? parse_facts(*row->text) : std::nullopt;
        if (next) join_facts(facts, *next);
    }

    static std::string next_name(const WalName& name, const WalFacts& facts) {
        const std::uint64_t size = facts.end - facts.begin;
        return size == 0 ? std::string() : WalName::segment_at(name.timeline, facts.end, size).text;
    }

    /// What its transaction did in earlier segments. False where that is not all known.
    bool follow_back(const WalName& name, const WalFacts& own, WalEvent& event) {
        int looked_at = 0;
        std::string from = name.text;
        WalFacts behind;
        behind.begin = own.begin;
        behind.head = own.head;
        bool all = own.complete;
        for (int page = 2; looked_at < most_before; page = 32) {
            const auto rows = ledger_.facts_up_to(sysid_, from, page);
            for (const KnownFacts& row : rows) {
                if (row.name == from) continue;
                from = row.name;
                ++looked_at;
                auto facts = row.text ? parse_facts(*row.text) : std::nullopt;
                // It may have begun there, or in a segment between.
                if (!facts || facts->end != behind.begin) return false;
                all = put_together(*facts, behind) && facts->complete && all;
                add_earlier(event, *facts);
                const bool begun = static_cast<std::int32_t>(event.xid - facts->next_xid) < 0;
                if (facts->next_xid != 0 && !begun) return all;
                behind = std::move(*facts);
            }
            if (rows.size() < static_cast<std::size_t>(page)) return false;
        }
        return false;
    }

    /// The record that two segments share becomes the first one's. False where it cannot and may have
    /// mattered.
    static bool put_together(WalFacts& facts, WalFacts& behind) {
        if (!facts.tail) return true;
        const std::vector<std::byte>& start = facts.tail->bytes;
        if (join_facts(facts, behind)) return true;
        return start.size() >= record_header_size &&
               !RecordFacts::of_interest(std::to_integer<std::uint8_t>(start[17]),
                                         std::to_integer<std::uint8_t>(start[16]));
    }

    void note_move(const WalEvent& event) {
        if (event.kind == WalEvent::Kind::database_created && event.text == moved_database)
            moves_[event.database] = event.tablespace;
    }

    /// The second half of ALTER DATABASE … SET TABLESPACE: its files go from where it was, and not from where
    /// it is. Where the first half is not found, it is told as what its record says.
    bool ends_a_move(const WalName& name, const WalEvent& event) {
        if (event.tablespace == 0) return false;
        const auto known = moves_.find(event.database);
        if (known != moves_.end()) return known->second != event.tablespace;
        for (const KnownFacts& row : ledger_.facts_up_to(sysid_, name.text, most_of_a_move)) {
            const auto facts = row.text ? parse_facts(*row.text) : std::nullopt;
            if (!facts) return false;
            for (auto each = facts->events.rbegin(); each != facts->events.rend(); ++each) {
                if (each->lsn >= event.lsn || each->database != event.database) continue;
                if (each->kind == WalEvent::Kind::database_created)
                    return each->text == moved_database && each->tablespace != event.tablespace;
            }
        }
        return false;
    }

    std::optional<std::int64_t> time_of(const std::string& segment) {
        const auto row = ledger_.facts_of(sysid_, segment);
        if (!row) return std::nullopt;
        const auto facts = row->text ? parse_facts(*row->text) : std::nullopt;
        if (facts && facts->last_end) return facts->last_end->time;
        return spooled(*row);
    }

    void find_gaps() {
        for (const Gap& gap : ledger_.gaps(sysid_)) {
            ToldGap told{gap, time_of(gap.after), time_of(gap.before)};
            if (told.before.value_or(wanted_.since) < wanted_.since) continue;
            if (told.after.value_or(wanted_.until) > wanted_.until) continue;
            found_.gaps.push_back(std::move(told));
        }
    }

    Ledger& ledger_;
    const std::uint64_t sysid_;
    const EventsWanted& wanted_;
    EventsFound found_;
    std::map<std::uint32_t, std::uint32_t>
        moves_;  // databases, and the tablespaces that they were moved to last
};

}  // namespace

std::uint64_t ToldEvent::before() const noexcept {
    if (!begin_known || is_move()) return 0;
    switch (event.kind) {
        case WalEvent::Kind::files_removed:
        case WalEvent::Kind::database_dropped:
            return event.transaction.first_lsn != 0 ? event.transaction.first_lsn : event.lsn;
        case WalEvent::Kind::tablespace_created:
        case WalEvent::Kind::tablespace_dropped:
        case WalEvent::Kind::database_created:
            return event.lsn;
        default:
            return 0;
    }
}

EventsFound find_events(Ledger& ledger, std::uint64_t system_identifier, const EventsWanted& wanted) {
    return Search(ledger, system_identifier, wanted).find();
}

}  // namespace walferry::report
