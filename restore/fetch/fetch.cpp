#include "restore/fetch/fetch.hpp"

#include "archive/object_read.hpp"
#include "common/error.hpp"

namespace walferry::fetch {

std::shared_ptr<Sink> fetch_from_stores(const Settings& settings, const archive::ViewOptions& options,
                                        const WalName& name, const OpenSink& open,
                                        const SegmentFetcher::Say& say) {
    const DecodeOptions decoding = archive::decode_options(settings);
    archive::ArchiveView view(settings, options);
    const std::uint64_t sysid = view.system_identifier();
    SegmentFetcher fetcher(view, decoding, {});
    const Attempt attempt =
        fetcher.persist(name, std::chrono::steady_clock::now() + settings.restore_timeout, open, say);
    if (attempt.end == Attempt::End::fetched) return attempt.file;
    if (attempt.trouble) throw *attempt.trouble;
    throw Error(ErrorKind::not_found, name.text + " of cluster " + std::to_string(sysid) +
                                          " is in none of the stores that were asked");
}

}  // namespace walferry::fetch
