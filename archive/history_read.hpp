#pragma once
#include <cstdint>
#include <string>

#include "common/codec/segment_codec.hpp"
#include "common/sink.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/timeline_history.hpp"

namespace walferry::archive {

/// Keeps a history file's text. Throws integrity for one that is larger than any.
class HistoryText : public Sink {
  public:
    void write(Bytes bytes) override;
    void finish() override {}
    const std::string& text() const noexcept { return text_; }

  private:
    std::string text_;
};

/// Brings one history file back. Throws as read_object does, and for what PostgreSQL would not take either.
TimelineHistory read_history(ObjectStore& store, const ObjectKeys& keys, const ObjectName& object,
                             std::uint64_t system_identifier, const DecodeOptions& decoding);

}  // namespace walferry::archive
