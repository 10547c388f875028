#include "archive/listed_archive.hpp"

#include <algorithm>
#include <bit>

#include "common/store/listing.hpp"
#include "common/store/object_name.hpp"
#include "common/wal/pg_control.hpp"
#include "common/wal/wal_header.hpp"

namespace walferry::archive {
namespace {

constexpr std::uint64_t xlog_id_bytes = std::uint64_t{1} << 32;
constexpr std::size_t batch = 1000;  // objects
constexpr std::uint64_t usual_segment_size = std::uint64_t{16} << 20;

/// "SYSID/wal/TTTTTTTT/OBJECT" and "SYSID/settled/OBJECT", without what stands before.
struct KeyParts {
    std::uint64_t system_identifier = 0;
    std::string_view folder;
    std::string_view rest;
};

std::optional<KeyParts> split(std::string_view key) {
    const std::size_t first = key.find('/');
    const std::size_t second = first == key.npos ? key.npos : key.find('/', first + 1);
    if (second == key.npos) return std::nullopt;
    const auto sysid = parse_system_identifier(std::string(key.substr(0, first)));
    if (!sysid) return std::nullopt;
    return KeyParts{*sysid, key.substr(first + 1, second - first - 1), key.substr(second + 1)};
}

std::optional<ListedObject> wal_object(const KeyParts& parts, const ObjectInfo& info) {
    const std::size_t slash = parts.rest.find('/');
    if (parts.folder != "wal" || slash == parts.rest.npos) return std::nullopt;
    const auto object = ObjectName::parse(parts.rest.substr(slash + 1));
    if (!object || !object->segment.starts_with(parts.rest.substr(0, slash))) return std::nullopt;
    return ListedObject{
        parts.system_identifier, *WalName::parse(object->segment), object->fingerprint, info.key, info.size,
        object->sha256};
}

}  // namespace

void SegmentSizeGuess::see(const WalName& name) {
    if (name.kind != WalKind::segment) return;
    highest_ = std::max(highest_, name.seg);
    if (last_ && last_->timeline == name.timeline && last_->log + 1 == name.log && name.seg == 0) {
        const std::uint64_t segments = std::uint64_t{last_->seg} + 1;
        const std::uint64_t size = xlog_id_bytes / segments;
        if (std::has_single_bit(segments) && size >= min_segment_size && size <= max_segment_size)
            seen_ = size;
    }
    last_ = name;
}

std::uint64_t SegmentSizeGuess::size() const {
    if (seen_) return *seen_;
    std::uint64_t size = usual_segment_size;
    while (size > min_segment_size && highest_ >= xlog_id_bytes / size) size /= 2;
    return size;
}

void list_archive(ObjectStore& store, const std::string& prefix, const std::string& cluster,
                  ListedArchive& archive, const std::function<void(const std::vector<ListedObject>&)>& take) {
    const std::string root = (prefix.empty() ? "" : prefix + "/") + cluster + "/";
    std::vector<ListedObject> objects;
    const auto hand_over = [&] {
        archive.objects += objects.size();
        take(objects);
        objects.clear();
    };
    Listing listing(store, root);
    while (const ObjectInfo* info = listing.next()) {
        const auto parts = split(std::string_view(info->key).substr(root.size()));
        if (!parts) continue;
        if (auto object = wal_object(*parts, *info)) {
            archive.segment_sizes[parts->system_identifier].see(object->name);
            objects.push_back(std::move(*object));
            if (objects.size() == batch) hand_over();
        } else if (parts->folder == "settled") {
            archive.settled_in.insert(parts->system_identifier);
        } else if (parts->folder != "wal") {
            // Base backups have thousands of objects that are of no interest here: '0' sorts behind '/'.
            listing.skip_past(root + std::to_string(parts->system_identifier) + "/" +
                              std::string(parts->folder) + "0");
        }
    }
    hand_over();
}

}  // namespace walferry::archive
