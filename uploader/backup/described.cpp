#include "uploader/backup/described.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "archive/stored_backups.hpp"
#include "common/codec/zstd_text.hpp"
#include "common/store/listing.hpp"

namespace walferry::backup {
namespace {

Absent absent_now(ObjectStore& store, const ObjectKeys& keys, const BackupIndex& index) {
    std::set<std::string> listed;
    for (const ObjectInfo& info : Listing(store, keys.backup_directory(index.id)))
        listed.insert(info.key.substr(keys.root().size()));
    Absent absent;
    for (const BackupIndex::Object& object : index.objects) {
        if (listed.contains(object.key)) continue;
        if (absent.count++ == 0) absent.first = object.key;
    }
    return absent;
}

}  // namespace

Described describe_begin(BackupBegin begin, const WriterKey* writer) {
    if (writer != nullptr) sign_begin(begin, *writer);
    Described described;
    described.object = std::make_unique<const transfer::PlainObject>(backup_begin_json(begin));
    described.name = BeginName{described.object->sha256().substr(0, 32)}.text();
    return described;
}

BackupIndex make_index(const BackupLabel& label, const BackupExtent& extent,
                       const transfer::EncodedObject& label_object) {
    BackupIndex index;
    index.id = label.id;
    index.cluster = label.cluster;
    index.system_identifier = label.system_identifier;
    index.pg_version = label.pg_version_num / 10000;
    index.segment_size = label.segment_size;
    index.timeline = label.timeline;
    index.first_segment = extent.first_segment;
    index.last_segment = extent.last_segment;
    index.started_at = label.started_at;
    index.stopped_at = label.stopped_at;
    index.size = label.size();
    index.complete = label.missing.empty();
    const std::string folder = "backup/" + label.id.text + "/";
    for (const BackupLabel::Stream& stream : label.streams) {
        BackupPart part{stream.name, 0};
        for (const BackupLabel::Piece& piece : stream.pieces) {
            index.objects.push_back(
                {folder + archive::piece_object(label_object.name, part, piece).text(), piece.object_size});
            ++part.number;
        }
    }
    index.objects.push_back({folder + label_object.name.text(), label_object.body.size()});
    std::sort(index.objects.begin(), index.objects.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return index;
}

Described describe_index(BackupIndex index, const WriterKey* writer) {
    if (writer != nullptr) sign_index(index, *writer);
    Described described;
    described.object = std::make_unique<const transfer::PlainObject>(compress_text(backup_index_json(index)));
    described.name = IndexName{described.object->sha256().substr(0, 32)}.text();
    return described;
}

Absent absent_objects(ObjectStore& store, const ObjectKeys& keys, const BackupIndex& index) {
    const Absent absent = absent_now(store, keys, index);
    return absent.count == 0 ? absent : absent_now(store, keys, index);
}

}  // namespace walferry::backup
