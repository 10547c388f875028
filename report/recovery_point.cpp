#include "report/recovery_point.hpp"

#include <algorithm>
#include <vector>

#include "common/codec/wal_facts_text.hpp"
#include "common/error.hpp"
#include "common/os/os.hpp"
#include "common/wal/facts_reader.hpp"
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

/// Part of a timeline without a hole.
struct Stretch {
    std::uint32_t timeline = 0;
    std::uint64_t first = 0, last = 0;
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
        auto stretch = start();
        if (!stretch) return std::nullopt;
        std::vector<Stretch> way;
        for (;;) {
            const auto unverified = ledger_.first_unverified(
                sysid_, store_, name_of(stretch->timeline, stretch->first, stretch->size));
            std::optional<std::uint64_t> hole;
            if (unverified) hole = number_of(*WalName::parse(*unverified), stretch->size);
            const std::uint64_t end = hole && *hole <= stretch->last ? *hole : stretch->last + 1;
            const auto next = next_timeline(*stretch, end);
            if (!next && (hole || has_more(*stretch)))
                point_.hole = name_of(stretch->timeline, end, stretch->size);
            stretch->last = end == 0 ? 0 : end - 1;
            if (end > stretch->first) way.push_back(*stretch);
            if (!next) break;
            stretch = next;
        }
        return measure(way);
    }

  private:
    std::optional<Stretch> start() const {
        if (runs_.empty()) return std::nullopt;
        const auto backup = ledger_.newest_backup_end(sysid_, store_);
        const auto name = backup ? WalName::parse(*backup) : std::nullopt;
        if (name) {
            for (const WalRunRow& run : runs_) {
                const std::uint64_t number = number_of(*name, run.size);
                if (run.timeline == name->timeline && run.first <= number && number <= run.last)
                    return Stretch{run.timeline, number, run.last, run.size};
            }
        }
        const WalRunRow& newest = runs_.back();
        return Stretch{newest.timeline, newest.first, newest.last, newest.size};
    }

    /// A newer timeline that leads on: its first segment is the next one, or stands beside one of these.
    std::optional<Stretch> next_timeline(const Stretch& at, std::uint64_t end) const {
        for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
            if (run->timeline <= at.timeline || run->size != at.size) continue;
            const bool is_first = std::none_of(runs_.begin(), runs_.end(), [&](const WalRunRow& other) {
                return other.timeline == run->timeline && other.first < run->first;
            });
            if (is_first && run->first >= at.first && run->first <= end)
                return Stretch{run->timeline, run->first, run->last, run->size};
        }
        return std::nullopt;
    }

    bool has_more(const Stretch& at) const {
        return std::any_of(runs_.begin(), runs_.end(), [&](const WalRunRow& run) {
            return run.timeline == at.timeline && run.first > at.last;
        });
    }

    std::optional<RecoveryPoint> measure(const std::vector<Stretch>& way) {
        for (auto part = way.rbegin(); part != way.rend(); ++part) {
            const auto newest = ledger_.newest_verified_up_to(
                sysid_, store_, name_of(part->timeline, part->last, part->size));
            if (!newest) continue;
            if (point_.segment.empty()) point_.segment = *newest;
            look_back(ledger_, sysid_, *newest, point_);
            if (point_.last_commit) break;
        }
        return point_.segment.empty() ? std::nullopt : std::optional(point_);
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
