#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/wal/wal_facts.hpp"

namespace walferry {

inline constexpr std::size_t max_facts_size = std::size_t{64} << 10;

/// JSON in ASCII, as docs/format.md has it, of at most `limit` bytes. What does not fit is left out: first
/// the bytes of the records that are shared with other segments, which their length shows; then open
/// transactions and events, and the text says that it is not complete.
std::string facts_text(WalFacts facts, std::size_t limit = max_facts_size);

/// nullopt for what facts_text would not have written.
std::optional<WalFacts> parse_facts(std::string_view text);

/// As the ledger keeps them. Of what is carried over the segment's beginning only a little: it is
/// seldom asked for.
FactsToNote facts_to_note(WalFacts facts);

/// "restore_point", "database_created" …
std::string_view to_string(WalEvent::Kind kind) noexcept;

}  // namespace walferry
