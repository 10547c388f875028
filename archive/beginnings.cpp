#include "archive/beginnings.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "archive/object_read.hpp"
#include "archive/segment_sinks.hpp"
#include "common/error.hpp"

namespace walferry::archive {

void BeginningSink::write(Bytes bytes) {
    fingerprint_.update(bytes);
    reader_.write(bytes);
}

Beginning BeginningSink::beginning() {
    const std::uint64_t reached = reader_.reached();
    return {fingerprint_.digits(), !reader_.finish() || reached >= place_};
}

std::optional<Beginning> beginning_of(const std::vector<AskedStore>& stores, const WalName& name,
                                      const std::string& content, std::uint64_t system_identifier,
                                      std::uint64_t segment_size, std::uint64_t bytes,
                                      const DecodeOptions& decoding) {
    const std::uint64_t place = name.start_lsn(segment_size).value_or(0) + bytes;
    for (const AskedStore& asked : stores) {
        try {
            for (const ObjectName& object : objects_of(asked, name.text)) {
                if (object.fingerprint != content) continue;
                auto sink = std::make_shared<BeginningSink>(place);
                std::optional<ZeroedFrom> cut;
                read_object(*asked.store, asked.keys.wal(object), object, name, system_identifier, decoding,
                            [&]() -> Sink& {
                                sink = std::make_shared<BeginningSink>(place);
                                return cut.emplace(sink, bytes);
                            });
                return sink->beginning();
            }
        } catch (const Error&) {
            continue;  // another store may have it sound
        }
    }
    return std::nullopt;
}

std::optional<std::string> content_that_leads_there(const std::map<std::string, Beginning>& contents) {
    std::set<std::string> beginnings, leading;
    std::string content;
    for (const auto& [each, beginning] : contents) {
        beginnings.insert(beginning.fingerprint);
        if (beginning.leads_there && leading.insert(beginning.fingerprint).second) content = each;
    }
    if (leading.size() == 1) return content;
    return std::nullopt;
}

}  // namespace walferry::archive
