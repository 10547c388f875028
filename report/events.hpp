#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/wal/wal_facts.hpp"

namespace walferry::report {

/// An event with what its transaction did in earlier segments, and where it stands.
struct ToldEvent {
    WalEvent event;
    std::uint32_t timeline = 0;
    std::string segment;
    std::optional<std::int64_t> at;  // its time, or the time of its segment where it has none
    bool begin_known = true;  // false: its transaction may have begun, and locked, earlier than is seen here

    bool is_move() const noexcept {
        return event.kind == WalEvent::Kind::database_created && event.text == moved_database;
    }
    /// Just before its transaction did anything: for a recovery target. 0 where that means nothing, or is not
    /// known.
    std::uint64_t before() const noexcept;
};

/// Segments that the ledger does not know between two that it knows, and when those were written.
struct ToldGap {
    Gap gap;
    std::optional<std::int64_t> after, before;
};

struct EventsWanted {
    std::int64_t since = INT64_MIN, until = INT64_MAX;  // microseconds since 1970 UTC
    std::optional<std::uint32_t> database;
};

struct EventsFound {
    std::vector<ToldEvent> events;  // in the order of the WAL
    std::vector<ToldGap> gaps;
    std::uint64_t unknown = 0;     // segments of that time whose facts are not known, up to a limit
    std::uint64_t incomplete = 0;  // segments whose facts are not all that is in them
};

/// What happened, by this host's ledger.
EventsFound find_events(Ledger& ledger, std::uint64_t system_identifier, const EventsWanted& wanted);

}  // namespace walferry::report
