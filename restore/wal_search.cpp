#include "restore/wal_search.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "archive/object_read.hpp"
#include "common/error.hpp"
#include "common/os/os.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_header.hpp"

namespace walferry::restore {
namespace {

constexpr std::size_t most_behind_a_time = 64;      // segments that came into the spool after it
constexpr std::size_t most_of_a_backup = 256;       // segments that were written while it was made
constexpr std::int64_t postgres_epoch = 946684800;  // 2000-01-01 in seconds since 1970

class Buffer : public Sink {
  public:
    void write(Bytes more) override { bytes.insert(bytes.end(), more.begin(), more.end()); }
    void finish() override {}
    std::vector<std::byte> bytes;
};

MicroTime as_time(std::int64_t postgres_time) {
    return MicroTime(std::chrono::microseconds(postgres_time) + std::chrono::seconds(postgres_epoch));
}

/// PostgreSQL's order of transactions: modulo 2^32.
bool precedes(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b) < 0;
}

}  // namespace

WalSearch::WalSearch(archive::ArchiveSurvey& survey, const Settings& settings,
                     std::function<void(const std::string&)> show, std::stop_token stop)
    : survey_(survey),
      settings_(settings),
      decoding_(archive::decode_options(settings)),
      show_(std::move(show)),
      stop_(std::move(stop)) {}

std::optional<std::vector<WalName>> WalSearch::segments(const archive::SurveyedBackup& backup,
                                                        const archive::Reach& reach, std::uint64_t from,
                                                        std::uint64_t to) const {
    std::vector<TimelineSpan> way{{backup.label.timeline, 0, TimelineSpan::open_end}};
    for (const TimelineHistory& history : survey_.histories()) {
        if (history.timeline != reach.timeline || reach.timeline == backup.label.timeline) continue;
        const auto found =
            way_from(history, backup.label.timeline, backup.label.start_lsn, backup.label.stop_lsn);
        if (found) way = *found;
    }
    if (way.back().timeline != reach.timeline) return std::nullopt;
    const std::uint64_t size = backup.label.segment_size;
    std::vector<WalName> names;
    for (std::uint64_t number = from / size; number * size < to; ++number) {
        std::size_t at = way.size() - 1;
        while (at > 0 && way[at].begin / size > number) --at;
        names.push_back(WalName::segment_at(way[at].timeline, number * size, size));
    }
    // Where the newer timeline has nothing yet, its parent's last segment leads up to the switch.
    if (!names.empty() && reach.last && to == reach.end_lsn) names.back() = *reach.last;
    return names;
}

/// A segment that no store has yet: the survey counts it where it waits in this host's spool.
std::optional<std::vector<std::byte>> WalSearch::read_spooled(const WalName& name) const {
    try {
        const std::string path = SpoolPaths(settings_.spool).segment(survey_.system_identifier(), name.text);
        const Fd file = os::open_if_exists(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, path);
        if (!file) return std::nullopt;
        const struct stat status = os::status(file.get(), path);
        if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) > max_segment_size)
            return std::nullopt;
        std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
        std::size_t at = 0;
        while (at < bytes.size()) {
            const std::size_t got = os::read_at(file.get(), MutableBytes(bytes).subspan(at), at, path);
            if (got == 0) return std::nullopt;
            at += got;
        }
        Buffer nothing;
        archive::HeaderCheck header(nothing);
        header.write(bytes);
        header.check(name, survey_.system_identifier());
        return bytes;
    } catch (const Error&) {
        return std::nullopt;  // a store may have it
    }
}

std::optional<std::vector<std::byte>> WalSearch::read(const WalName& name) {
    if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
    if (name.kind != WalKind::segment) return std::nullopt;
    show_("looking into " + name.text);
    if (survey_.waits_in_spool(name)) {
        if (auto waiting = read_spooled(name)) return waiting;
    }
    std::set<std::string> contents;
    std::vector<std::pair<const archive::ArchiveSurvey::Store*, ObjectName>> objects;
    for (const archive::ArchiveSurvey::Store& store : survey_.stores()) {
        if (store.trouble) continue;
        const std::string directory = store.keys->wal_directory(name.text);
        try {
            for (const ObjectInfo& info : store.connection->list(directory + name.text + "-", "").objects) {
                auto object = ObjectName::parse(std::string_view(info.key).substr(directory.size()));
                if (!object || object->segment != name.text) continue;
                contents.insert(object->fingerprint);
                objects.emplace_back(&store, std::move(*object));
            }
        } catch (const Error&) {
            continue;  // another store may answer
        }
    }
    if (contents.size() > 1) {
        const auto chosen = survey_.content(name);
        if (!chosen) return std::nullopt;  // which one is right, recovery finds out
        std::erase_if(objects, [&](const auto& each) {
            return archive::short_content(each.second.fingerprint) != *chosen;
        });
    }
    for (const auto& [store, object] : objects) {
        try {
            Buffer buffer;
            archive::read_object(*store->connection, store->keys->wal(object), object, name,
                                 survey_.system_identifier(), decoding_, [&]() -> Sink& {
                                     buffer.bytes.clear();
                                     return buffer;
                                 });
            return std::move(buffer.bytes);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
        }
    }
    return std::nullopt;
}

bool WalSearch::walk(const std::vector<WalName>& names, const std::function<bool(const WalRecord&)>& visit) {
    bool going_on = true;
    WalRecords records([&](const WalRecord& record) { going_on = going_on && visit(record); });
    for (const WalName& name : names) {
        const auto bytes = read(name);
        if (!bytes || !records.segment(*bytes)) return false;
        if (!going_on) return true;
    }
    return true;
}

std::optional<WalSearch::End> WalSearch::end_behind(const archive::SurveyedBackup& backup,
                                                    const archive::Reach& reach, MicroTime wanted,
                                                    bool exclusive) {
    if (!reach.last) return std::nullopt;
    const auto names = segments(backup, reach, backup.label.stop_lsn, reach.end_lsn);
    if (!names || names->empty()) return std::nullopt;
    End end;
    const auto look = [&](const WalRecord& record) {
        end.last_record = record.lsn;
        if (record.kind != WalRecord::Kind::transaction_end) return true;
        const MicroTime time = as_time(record.time);
        end.last_time = std::max(end.last_time.value_or(time), time);
        end.later_transaction = end.later_transaction || (exclusive ? time >= wanted : time > wanted);
        return !end.later_transaction;
    };
    // The last segment alone tells most often.
    if (walk({names->back()}, look) && end.later_transaction) return end;
    std::size_t first = names->size();
    while (first > 0) {
        if (names->size() - first >= most_behind_a_time) return std::nullopt;
        const auto spooled = survey_.spooled_at((*names)[first - 1]);
        if (!spooled) return std::nullopt;
        --first;
        if (MicroTime(*parse_time(*spooled)) < wanted) break;
    }
    end = {};
    if (!walk(std::vector<WalName>(names->begin() + static_cast<std::ptrdiff_t>(first), names->end()), look))
        return std::nullopt;
    return end;
}

std::optional<bool> WalSearch::ends_behind(const archive::SurveyedBackup& backup, const archive::Reach& reach,
                                           std::uint32_t xid) {
    const auto names = segments(backup, reach, backup.label.start_lsn, backup.label.stop_lsn);
    if (!names || names->size() > most_of_a_backup) return std::nullopt;
    std::optional<std::uint32_t> oldest;
    bool ended = false;
    const bool read = walk(*names, [&](const WalRecord& record) {
        if (record.lsn < backup.label.start_lsn) return true;
        if (record.lsn >= backup.label.stop_lsn) return false;
        if (record.kind == WalRecord::Kind::running_transactions && !oldest) oldest = record.oldest_xid;
        ended = ended || (record.kind == WalRecord::Kind::transaction_end && record.xid == xid);
        return !ended;
    });
    if (ended || (oldest && precedes(xid, *oldest))) return false;
    if (!read || !oldest) return std::nullopt;
    return true;
}

}  // namespace walferry::restore
