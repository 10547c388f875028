#include "report/recovery_point.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include "common/codec/wal_facts_text.hpp"
#include "common/error.hpp"
#include "common/os/os.hpp"
#include "common/wal/facts_reader.hpp"
#include "common/wal/timeline_history.hpp"
#include "common/wal/wal_header.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::report {
namespace {

constexpr int most_looked_at = 1024;  // segments without a commit

std::string name_of(std::uint32_t timeline, std::uint64_t number, std::uint64_t size) {
    return WalName::segment_at(timeline, number * size, size).text;
}

std::uint64_t number_of(const WalName& name, std::uint64_t size) {
    return name.start_lsn(size).value_or(0) / size;
}

std::optional<std::int64_t> last_time(const WalFacts& facts) {
    std::int64_t last = 0;
    if (facts.last_end) last = facts.last_end->time;
    for (const WalCheckpoint& checkpoint : facts.checkpoints) last = std::max(last, checkpoint.time);
    for (const WalEvent& event : facts.events) last = std::max(last, event.time);
    return last == 0 ? std::nullopt : std::optional(last);
}

/// Part of a timeline that recovery replays, and, once it is looked at, without a hole.
struct Stretch {
    std::uint32_t timeline = 0;
    std::uint64_t first = 0, last = UINT64_MAX;
    std::uint64_t size = 0;
};

class Walk {
  public:
    Walk(Ledger& ledger, std::uint64_t system_identifier, std::int64_t store)
        : ledger_(ledger),
          sysid_(system_identifier),
          store_(store),
          runs_(ledger.wal_runs(system_identifier)) {}

    std::optional<RecoveryPoint> find() {
        if (runs_.empty()) return std::nullopt;
        const auto begin = start();
        if (!begin) {
            point_.reason =
                "this host's ledger knows of no base backup that can be restored from that store, and "
                "without one WAL brings nothing back";
            return point_;
        }
        std::vector<Stretch> way = way_from(*begin);
        for (std::size_t i = 0; i < way.size(); ++i) {
            const bool whole = cut_at_hole(way[i], i + 1 == way.size());
            if (whole) continue;
            const bool some = way[i].last + 1 > way[i].first;
            way.resize(some ? i + 1 : i);
            break;
        }
        measure(way);
        return point_;
    }

  private:
    /// The backup that everything else rests on. Without one there is nothing to claim.
    std::optional<Stretch> start() const {
        const auto backup = ledger_.newest_backup_end(sysid_, store_);
        const auto name = backup ? WalName::parse(*backup) : std::nullopt;
        if (!name) return std::nullopt;
        for (const WalRunRow& run : runs_) {
            const std::uint64_t number = number_of(*name, run.size);
            if (run.timeline == name->timeline && run.first <= number && number <= run.last)
                return Stretch{run.timeline, number, UINT64_MAX, run.size};
        }
        return std::nullopt;
    }

    /// Along the newest timeline that the store can lead to, as recovery_target_timeline = latest goes: by
    /// its history file, which has to be there as well. Behind a fork the timeline that was left does not
    /// count.
    std::vector<Stretch> way_from(const Stretch& begin) {
        const std::vector<HistoryRow> histories = ledger_.histories(sysid_);
        std::set<std::uint32_t, std::greater<>> newer;
        for (const WalRunRow& run : runs_) newer.insert(run.timeline);
        for (const HistoryRow& row : histories) newer.insert(row.timeline);
        for (const std::uint32_t timeline : newer) {
            if (timeline <= begin.timeline) break;
            const auto history = history_of(histories, timeline);
            const auto way = history ? along(*history, begin) : std::nullopt;
            if (history && !way) continue;  // it leads elsewhere
            if (way && ledger_.holds_history(sysid_, store_, timeline)) return *way;
            if (!point_.hole) point_.hole = name_of(timeline, 0, begin.size).substr(0, 8) + ".history";
        }
        return {begin};
    }

    /// nullopt where the ledger knows none, or several.
    static std::optional<TimelineHistory> history_of(const std::vector<HistoryRow>& all,
                                                     std::uint32_t timeline) {
        std::optional<TimelineHistory> found;
        for (const HistoryRow& row : all) {
            if (row.timeline != timeline) continue;
            if (found) return std::nullopt;
            try {
                found = TimelineHistory::parse(timeline, row.content);
            } catch (const Error&) {
                return std::nullopt;
            }
        }
        return found;
    }

    /// A segment in which the timeline changes is replayed from the newer one.
    static std::optional<std::vector<Stretch>> along(const TimelineHistory& history, const Stretch& begin) {
        const std::uint64_t at = begin.first * begin.size;
        const auto spans = walferry::way_from(history, begin.timeline, at, at);
        if (!spans) return std::nullopt;
        std::vector<Stretch> way;
        for (const TimelineSpan& span : *spans) {
            Stretch part{span.timeline, std::max(begin.first, span.begin / begin.size), UINT64_MAX,
                         begin.size};
            if (span.end != TimelineSpan::open_end) {
                if (span.end / begin.size <= part.first) continue;
                part.last = span.end / begin.size - 1;
            }
            way.push_back(part);
        }
        return way;
    }

    /// False where the stretch ends early; what is missing behind it is noted.
    bool cut_at_hole(Stretch& part, bool is_last) {
        const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const WalRunRow& each) {
            return each.timeline == part.timeline && each.size == part.size && each.first <= part.first &&
                   part.first <= each.last;
        });
        const bool open = part.last == UINT64_MAX;
        const std::uint64_t wanted = part.last;
        std::uint64_t end = part.first;  // behind the last one that counts
        if (run != runs_.end()) {
            end = std::min(run->last, part.last) + 1;
            const auto hole =
                ledger_.first_unverified(sysid_, store_, name_of(part.timeline, part.first, part.size),
                                         name_of(part.timeline, end - 1, part.size));
            if (hole) end = number_of(*WalName::parse(*hole), part.size);
        }
        const bool at_its_end = run != runs_.end() && end == run->last + 1;
        part.last = end - 1;  // of none: before its first
        if (!open && part.last == wanted) return true;
        const bool more = !is_last || has_more(part, end);
        if (more || (run != runs_.end() && !at_its_end)) point_.hole = name_of(part.timeline, end, part.size);
        return false;
    }

    bool has_more(const Stretch& at, std::uint64_t end) const {
        return std::any_of(runs_.begin(), runs_.end(), [&](const WalRunRow& run) {
            return run.timeline == at.timeline && run.size == at.size && run.first > end;
        });
    }

    void measure(const std::vector<Stretch>& way) {
        for (auto part = way.rbegin(); part != way.rend(); ++part) {
            const std::string first = name_of(part->timeline, part->first, part->size);
            const std::string last = name_of(part->timeline, part->last, part->size);
            if (point_.segment.empty()) point_.segment = last;
            if (!point_.last_commit) look_back(ledger_, sysid_, last, point_);
            if (auto listed = ledger_.first_only_listed(sysid_, store_, first, last)) point_.listed = listed;
        }
        if (!point_.segment.empty()) return;
        point_.reason = "not even the WAL of its newest base backup is known to be there without a dispute";
    }

    Ledger& ledger_;
    const std::uint64_t sysid_;
    const std::int64_t store_;
    const std::vector<WalRunRow> runs_;
    RecoveryPoint point_;
};

}  // namespace

std::optional<RecoveryPoint> recovery_point(Ledger& ledger, std::uint64_t system_identifier,
                                            std::int64_t store) {
    return Walk(ledger, system_identifier, store).find();
}

namespace {

constexpr std::size_t most_read = 8;  // segments in the spool

std::optional<WalFacts> read_facts(const SpoolPaths& spool, const SpoolFile& file) {
    try {
        const Fd fd = open_spool_file(spool, file);
        if (!fd || file.size > max_segment_size) return std::nullopt;
        FactsReader reader;
        std::vector<std::byte> buffer(std::size_t{256} << 10);
        for (std::uint64_t offset = 0;;) {
            const std::size_t got = os::read_at(fd.get(), buffer, offset, file.name.text);
            if (got == 0) return reader.finish();
            reader.write(Bytes(buffer).first(got));
            offset += got;
        }
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

std::optional<RecoveryPoint> recovery_point_in_spool(Ledger& ledger, std::uint64_t system_identifier,
                                                     const SpoolPaths& spool, const SpoolScan& scan) {
    std::vector<const SpoolFile*> files;
    for (const SpoolFile& file : scan.files) {
        if (file.system_identifier == system_identifier && file.name.kind == WalKind::segment)
            files.push_back(&file);
    }
    if (files.empty()) return std::nullopt;
    std::sort(files.begin(), files.end(),
              [](const SpoolFile* a, const SpoolFile* b) { return a->name.text > b->name.text; });
    RecoveryPoint point;
    point.segment = files.front()->name.text;
    for (std::size_t i = 0; i < std::min(files.size(), most_read); ++i) {
        const auto row = ledger.facts_of(system_identifier, files[i]->name.text);
        auto facts = row && row->text ? parse_facts(*row->text) : std::nullopt;
        if (!facts) facts = read_facts(spool, *files[i]);
        if (!facts) {
            point.known = false;
            continue;
        }
        if (!point.complete_until) point.complete_until = last_time(*facts);
        point.last_commit = facts->last_commit;
        if (point.last_commit) return point;
    }
    if (files.size() > most_read)
        point.known = false;
    else
        look_back(ledger, system_identifier, files.back()->name.text, point);
    return point;
}

void look_back(Ledger& ledger, std::uint64_t system_identifier, const std::string& segment,
               RecoveryPoint& point) {
    std::optional<WalFacts> behind;
    std::string from = segment;
    int looked_at = 0;
    for (int page = 4; looked_at < most_looked_at; page = 64) {
        const auto rows = ledger.facts_up_to(system_identifier, from, page);
        for (const KnownFacts& row : rows) {
            if (looked_at > 0 && row.name == from) continue;
            from = row.name;
            ++looked_at;
            auto facts = row.text ? parse_facts(*row.text) : std::nullopt;
            if (!facts) {
                point.known = false;
                behind.reset();
                continue;
            }
            if (facts->tail && behind) {
                if (!join_facts(*facts, *behind)) point.known = false;
            }
            if (!facts->complete) point.known = false;
            if (!point.complete_until) point.complete_until = last_time(*facts);
            if (facts->last_commit) {
                point.last_commit = facts->last_commit;
                return;
            }
            behind = std::move(facts);
        }
        if (rows.size() < static_cast<std::size_t>(page)) return;
    }
}

}  // namespace walferry::report
