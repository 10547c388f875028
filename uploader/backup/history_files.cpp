#include "uploader/backup/history_files.hpp"

#include <algorithm>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/wal/timeline_history.hpp"

namespace walferry::backup {
namespace {

std::optional<std::string> read_one(server::ServerConnection& sender, std::uint32_t timeline,
                                    const std::function<void(const std::string&)>& say) {
    std::string why;
    const auto rows = sender.try_query("TIMELINE_HISTORY " + std::to_string(timeline), {}, false, why);
    if (rows && rows->size() == 1 && rows->columns() == 2) return rows->text(0, 1);
    say("the server does not give " + HistoryFile::name_of(timeline) + ", the history of timeline " +
        std::to_string(timeline) + ": " + (why.empty() ? "its answer is empty" : why));
    return std::nullopt;
}

struct Listed {
    ObjectName object;
    std::uint64_t size;
};

std::vector<Listed> listed(StoreCopy& copy, const std::string& name) {
    std::vector<Listed> found;
    const std::string directory = copy.keys().wal_directory(name);
    for (const ObjectInfo& info : copy.store().list(directory + name + "-", "").objects) {
        auto object = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
        if (object && object->segment == name) found.push_back({std::move(*object), info.size});
    }
    return found;
}

}  // namespace

std::string HistoryFile::name_of(std::uint32_t timeline) {
    return WalName::segment_at(timeline, 0, 1 << 24).text.substr(0, 8) + ".history";
}

std::vector<HistoryFile> read_history_files(server::ServerConnection& sender, std::uint32_t timeline,
                                            const std::function<void(const std::string&)>& say) {
    std::vector<HistoryFile> files;
    if (timeline <= 1) return files;
    const auto own = read_one(sender, timeline, say);
    if (!own) return files;
    files.push_back({timeline, *own});
    for (const TimelineSpan& span : TimelineHistory::parse(timeline, *own).spans) {
        if (span.timeline <= 1 || span.timeline == timeline) continue;
        if (auto content = read_one(sender, span.timeline, say))
            files.push_back({span.timeline, std::move(*content)});
    }
    return files;
}

std::shared_ptr<const transfer::EncodedObject> encode_history(const EncodeOptions& encoding,
                                                              transfer::MemoryBudget& memory,
                                                              std::uint64_t system_identifier,
                                                              const HistoryFile& file) {
    Envelope envelope;
    envelope.system_identifier = system_identifier;
    envelope.name = HistoryFile::name_of(file.timeline);
    envelope.spooled_at = format_time(wall_now());
    return transfer::ObjectEncoder(encoding, memory).encode(as_bytes(file.content), envelope, envelope.name);
}

ListedObject archive_history(StoreCopy& copy, std::uint64_t system_identifier,
                             const transfer::EncodedObject& encoded) {
    const std::string& name = encoded.name.segment;
    const std::vector<Listed> there = listed(copy, name);
    const auto same = std::find_if(there.begin(), there.end(), [&](const Listed& each) {
        return each.object.stem() == encoded.name.stem();
    });
    const Listed archived = same == there.end() ? Listed{encoded.name, encoded.body.size()} : *same;
    const std::string key = copy.keys().wal(archived.object);
    if (same == there.end()) {
        const auto content = std::find_if(there.begin(), there.end(), [&](const Listed& each) {
            return each.object.fingerprint == encoded.name.fingerprint;
        });
        if (!there.empty() && content == there.end()) {
            throw Error(ErrorKind::conflict,
                        "store " + copy.settings().name + " has another " + name +
                            " than this server (fingerprints " + there.front().object.fingerprint + " and " +
                            encoded.name.fingerprint + ")",
                        "two servers chose one timeline's number: find out which one is right; "
                        "docs/restoring.md tells how to restore along one of them");
        }
        copy.put_verified(encoded.at(key));
    }
    return {system_identifier, *WalName::parse(name), archived.object.fingerprint, key,
            archived.size,     archived.object.sha256};
}

bool has_history(StoreCopy& copy, std::uint32_t timeline) {
    return !listed(copy, HistoryFile::name_of(timeline)).empty();
}

}  // namespace walferry::backup
