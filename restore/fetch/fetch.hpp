#pragma once
#include <functional>
#include <string>

#include "archive/archive_view.hpp"
#include "common/settings/settings.hpp"
#include "common/sink.hpp"
#include "common/wal/wal_name.hpp"
#include "restore/fetch/segment_fetcher.hpp"

namespace walferry::fetch {

/// Brings one WAL file back from the stores into a sink that `open` makes, one for each try, and returns the
/// one that has it. Throws not_found only when every store that was asked answered, twice, that it has none;
/// conflict for two contents of which none was settled; integrity when each copy is damaged or the file is
/// missing before others; else the error of the store that could not be asked.
std::shared_ptr<Sink> fetch_from_stores(const Settings& settings, const archive::ViewOptions& options,
                                        const WalName& name, const OpenSink& open,
                                        const SegmentFetcher::Say& say);

}  // namespace walferry::fetch
