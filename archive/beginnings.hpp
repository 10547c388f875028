#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/archived_forks.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/sink.hpp"
#include "common/wal/facts_reader.hpp"
#include "common/wal/fingerprint.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::archive {

/// What one content of a WAL file has before a place in it.
struct Beginning {
    std::string fingerprint;  // of the bytes before it, and zeroes from there on
    /// Whether its records lead up to that place. True for a server's version that is not known.
    bool leads_there = true;
};

/// Takes a WAL file that is zeroes from `place` on (ZeroedFrom), and keeps its Beginning.
class BeginningSink : public Sink {
  public:
    explicit BeginningSink(std::uint64_t place) : place_(place) {}
    void write(Bytes bytes) override;
    void finish() override {}
    Beginning beginning();

  private:
    std::uint64_t place_;  // an LSN
    Fingerprint fingerprint_;
    FactsReader reader_;
};

/// Of the first of the objects that is sound. nullopt where none can be read. `bytes`: from the beginning of
/// the file up to the place.
std::optional<Beginning> beginning_of(const std::vector<AskedStore>& stores, const WalName& name,
                                      const std::string& content, std::uint64_t system_identifier,
                                      std::uint64_t segment_size, std::uint64_t bytes,
                                      const DecodeOptions& decoding);

/// Which of several contents of a timeline's unfinished last segment (.partial) leads up to a place: any,
/// where they are the same before it; else the only one whose records lead there. A host that was promoted
/// earlier in that segment has something else from there on. nullopt where that does not tell.
std::optional<std::string> content_that_leads_there(const std::map<std::string, Beginning>& contents);

}  // namespace walferry::archive
