#include "archive/marked_backups.hpp"

#include "archive/plain_read.hpp"
#include "common/codec/expiry_mark.hpp"
#include "common/error.hpp"
#include "common/store/expiry_names.hpp"
#include "common/store/listing.hpp"

namespace walferry::archive {

std::map<BackupId, std::string> marked_backups(ObjectStore& store, const ObjectKeys& keys,
                                               std::uint64_t system_identifier,
                                               const std::vector<std::string>& trusted_writers) {
    std::map<BackupId, std::string> marked;
    const std::string folder = marks_directory(keys);
    for (const ObjectInfo& info : Listing(store, folder)) {
        const auto name = MarkName::parse(std::string_view(info.key).substr(folder.size()));
        const auto backup = name ? BackupId::parse(name->what) : std::nullopt;
        if (!backup) continue;
        try {
            const ExpiryMark mark = parse_mark(read_plain(store, info.key, name->sha256, max_mark_size));
            check_signature(mark, trusted_writers);
            if (mark.backup == *backup && mark.system_identifier == system_identifier)
                marked.emplace(*backup, info.modified ? format_time(*info.modified) : mark.made_at);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::not_found) throw;
        }
    }
    return marked;
}

}  // namespace walferry::archive
