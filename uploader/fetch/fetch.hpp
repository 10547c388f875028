#pragma once
#include <functional>
#include <string>

#include "common/settings.hpp"
#include "common/sink.hpp"
#include "common/wal_name.hpp"
#include "uploader/fetch/archive_view.hpp"
#include "uploader/fetch/segment_fetcher.hpp"

namespace walferry {

/// Brings one WAL file back from the stores into the sink that `open` makes for each try. Throws not_found
/// only when every store that was asked answered, twice, that it has none; conflict for two contents of which
/// none was settled; integrity when each copy is damaged or the file is missing before others; else the error
/// of the store that could not be asked.
void fetch_from_stores(const Settings& settings, const ViewOptions& options, const WalName& name,
                       const std::function<Sink&()>& open, const SegmentFetcher::Say& say);

}  // namespace walferry
