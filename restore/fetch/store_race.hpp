#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "archive/archive_view.hpp"
#include "common/codec/segment_codec.hpp"
#include "common/error.hpp"
#include "common/sink.hpp"
#include "common/store/object_name.hpp"
#include "common/store/object_store.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::fetch {

/// Makes a place for the bytes of one try. Called by any thread, as long as the StoreRace is there.
using OpenSink = std::function<std::shared_ptr<Sink>()>;

/// One object that holds the wanted content.
struct StoredCopy {
    std::size_t store;
    std::string key;
    ObjectName object;
};

/// Reads one of several copies. The store that was quickest so far is asked first; when it has not delivered
/// after a second and another one may well be quicker, that one is asked beside it, and the first sound copy
/// counts. One thread uses it at a time.
class StoreRace {
  public:
    /// Both must outlive it.
    StoreRace(archive::ArchiveView& view, const DecodeOptions& decoding);
    ~StoreRace();

    using Failed = std::function<void(const StoredCopy&, const Error&)>;

    /// `copies`: the one to be asked first in front. The finished sink of the first sound copy; nullptr where
    /// there is none, after `failed` was called for each. Throws SinkFailure.
    std::shared_ptr<Sink> read(const WalName& name, const std::vector<StoredCopy>& copies,
                               const OpenSink& open, const Failed& failed);

    /// For requests that are not raced.
    ObjectStore& connection(std::size_t store);

  private:
    struct Connection;
    struct Heat;
    struct Runner;

    std::shared_ptr<Runner> start(const WalName& name, const StoredCopy& copy, const OpenSink& open,
                                  const std::shared_ptr<Heat>& heat);
    bool worth_a_second(const Runner& leader, const StoredCopy& other) const;
    void stop(const std::shared_ptr<Runner>& runner);

    archive::ArchiveView& view_;
    const DecodeOptions& decoding_;
    std::vector<std::shared_ptr<Connection>> connections_;
    std::vector<std::shared_ptr<Runner>> stopped_;  // not all of them have noticed yet
};

}  // namespace walferry::fetch
