#include "archive/comparison.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "archive/expired_wal.hpp"
#include "archive/wal_objects.hpp"
#include "common/store/object_name.hpp"

namespace walferry::archive {
namespace {

constexpr std::size_t batch = 1000;  // a page of a listing

using Content = std::pair<std::string, std::string>;  // name, fingerprint

/// One timeline's share of a batch.
class Range {
  public:
    Range(ObjectStore& store, const CompareOptions& options, std::span<const KeptUpload> rows)
        : store_(store),
          keys_(options.prefix, options.cluster, rows.front().system_identifier),
          directory_(keys_.wal_directory(rows.front().name)),
          rows_(rows),
          trusted_writers_(options.trusted_writers) {
        list();
    }

    void compare(Ledger& ledger, std::int64_t store, WallTime now, CompareResult& result) {
        std::vector<std::int64_t> lost;
        std::vector<ListedObject> back;
        for (const KeptUpload& row : rows_) {
            const auto seen = listed_.find({row.name, row.fingerprint});
            ++result.compared;
            if (seen != listed_.end()) {
                if (!row.verified) back.push_back(seen->second);
            } else if (row.verified && !has_expired(row) && !answers(row)) {
                lost.push_back(row.segment);
                result.lost.push_back(row.name);
            }
        }
        if (!lost.empty()) ledger.lose(store, lost, "the store no longer had it at " + format_time(now));
        if (!back.empty()) result.back += static_cast<std::size_t>(ledger.add_listed(store, back, now));
    }

  private:
    void list() {
        std::set<Content> wanted;
        for (const KeptUpload& row : rows_) wanted.emplace(row.name, row.fingerprint);
        for (const WalObject& each : WalObjects(store_, directory_, directory_ + rows_.front().name)) {
            if (each.object.segment > rows_.back().name) break;
            const Content content{each.object.segment, each.object.fingerprint};
            if (!wanted.contains(content)) continue;
            listed_.try_emplace(
                content, ListedObject{rows_.front().system_identifier, each.name, each.object.fingerprint,
                                      each.info.key, each.info.size, each.object.sha256});
        }
    }

    // A listing may lag behind. The key is the ledger's, so it must be one that could be this content's.
    bool answers(const KeptUpload& row) {
        if (!row.object_key.starts_with(directory_)) return false;
        const auto name = ObjectName::parse(std::string_view(row.object_key).substr(directory_.size()));
        return name && name->segment == row.name && name->fingerprint == row.fingerprint &&
               store_.head(row.object_key).has_value();
    }

    // Asked only where something is not there.
    bool has_expired(const KeptUpload& row) {
        if (!expired_) expired_.emplace(store_, keys_, row.system_identifier, trusted_writers_);
        return expired_->covers(row.name);
    }

    ObjectStore& store_;
    const ObjectKeys keys_;
    const std::string directory_;
    const std::span<const KeptUpload> rows_;
    const std::vector<std::string>& trusted_writers_;
    std::optional<ExpiredWal> expired_;
    std::map<Content, ListedObject> listed_;
};

void compare_rows(Ledger& ledger, ObjectStore& store, const CompareOptions& options,
                  std::span<const KeptUpload> rows, WallTime now, CompareResult& result) {
    while (!rows.empty()) {
        const auto end = std::find_if(rows.begin(), rows.end(), [&](const KeptUpload& row) {
            return row.system_identifier != rows.front().system_identifier ||
                   row.name.substr(0, 8) != rows.front().name.substr(0, 8);
        });
        const auto count = static_cast<std::size_t>(end - rows.begin());
        Range(store, options, rows.first(count)).compare(ledger, options.store, now, result);
        rows = rows.subspan(count);
    }
}

// The next batch begins behind a name: all contents of the last one belong into this batch, or into the next.
void keep_names_whole(std::vector<KeptUpload>& rows, std::size_t most) {
    if (rows.size() < most || rows.front().name == rows.back().name) return;
    const std::string last = rows.back().name;
    while (rows.back().name == last) rows.pop_back();
}

}  // namespace

CompareResult compare_with_listings(Ledger& ledger, ObjectStore& store, const CompareOptions& options,
                                    WallTime now) {
    CompareResult result;
    Comparison at = ledger.comparison(options.store, now);
    while (result.compared < options.most && !options.stop.stop_requested()) {
        const std::size_t most = std::min(batch, options.most - result.compared);
        auto rows = ledger.kept_after(options.store, at.system_identifier, at.name, static_cast<int>(most));
        keep_names_whole(rows, most);
        if (rows.empty()) {
            result.whole = true;
            ledger.compared(options.store, {format_time(now), {}, {}, at.began_at});
            break;
        }
        compare_rows(ledger, store, options, rows, now, result);
        at.system_identifier = std::to_string(rows.back().system_identifier);
        at.name = rows.back().name;
        ledger.compared(options.store, at);
    }
    return result;
}

CompareResult compare_newest(Ledger& ledger, ObjectStore& store, const CompareOptions& options,
                             const SegmentRow& newest, int behind, WallTime now) {
    CompareResult result;
    const auto rows = ledger.kept_after(options.store, std::to_string(newest.system_identifier),
                                        ledger.segment_before(newest, behind + 1), behind);
    compare_rows(ledger, store, options, rows, now, result);
    return result;
}

}  // namespace walferry::archive
