#include "archive/expired_wal.hpp"

#include <algorithm>

#include "archive/plain_read.hpp"
#include "common/codec/expiry_mark.hpp"
#include "common/error.hpp"
#include "common/store/expiry_names.hpp"
#include "common/store/listing.hpp"

namespace walferry::archive {

ExpiredWal::ExpiredWal(ObjectStore& store, const ObjectKeys& keys, std::uint64_t system_identifier,
                       const std::vector<std::string>& trusted_writers) {
    const std::string folder = expired_directory(keys);
    for (const ObjectInfo& info : Listing(store, folder)) {
        const auto name = MarkName::parse(std::string_view(info.key).substr(folder.size()));
        if (!name) continue;
        try {
            const ExpiryMark record = parse_mark(read_plain(store, info.key, name->sha256, max_mark_size));
            check_signature(record, trusted_writers);
            if (record.system_identifier != system_identifier) continue;
            runs_.insert(runs_.end(), record.wal.begin(), record.wal.end());
            keys_.push_back(info.key);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::not_found) throw;
        }
    }
}

bool ExpiredWal::covers(const std::string& name) const {
    const std::string segment = name.substr(0, 24);
    return std::any_of(runs_.begin(), runs_.end(), [&](const auto& run) {
        return run.first <= segment && segment <= run.second && run.first.compare(0, 8, segment, 0, 8) == 0;
    });
}

}  // namespace walferry::archive
