#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/codec/segment_codec.hpp"
#include "common/ledger/ledger.hpp"
#include "server/server_connection.hpp"
#include "uploader/backup/store_copy.hpp"

namespace walferry::backup {

/// A timeline's history as the server has it in pg_wal.
struct HistoryFile {
    std::uint32_t timeline = 0;
    std::string content;

    /// "00000002.history".
    static std::string name_of(std::uint32_t timeline);
};

/// Those of `timeline` and of the timelines that it came from, over a replication connection; the first
/// timeline has none. `say` is told of what the server does not have.
std::vector<HistoryFile> read_history_files(server::ServerConnection& sender, std::uint32_t timeline,
                                            const std::function<void(const std::string&)>& say);

/// As an object such as the drain makes of a history file.
std::shared_ptr<const transfer::EncodedObject> encode_history(const EncodeOptions& encoding,
                                                              transfer::MemoryBudget& memory,
                                                              std::uint64_t system_identifier,
                                                              const HistoryFile& file);

/// Brings it into a store, read back, unless the store shows that content already. What the ledger may be
/// told of it. Throws conflict where the store has other contents only: settling that is a person's to do.
ListedObject archive_history(StoreCopy& copy, std::uint64_t system_identifier,
                             const transfer::EncodedObject& encoded);

/// Whether the store has a history of that timeline, whatever its content.
bool has_history(StoreCopy& copy, std::uint32_t timeline);

}  // namespace walferry::backup
