#include "tests/maintenance/expire/model.hpp"

#include <algorithm>

namespace walferry::expire::model {
namespace {

using namespace std::chrono;

constexpr std::uint64_t segment_size = 16 << 20;

}  // namespace

std::vector<std::uint32_t> Truth::lineage(std::uint32_t timeline) const {
    std::vector<std::uint32_t> found;
    for (; timeline != 0; timeline = timelines.at(timeline).parent) found.insert(found.begin(), timeline);
    return found;
}

std::uint32_t Truth::source(std::uint32_t timeline, std::uint64_t number) const {
    for (; timeline != 0; timeline = timelines.at(timeline).parent) {
        if (timelines.at(timeline).fork <= number) return timeline;
    }
    return 0;
}

std::uint64_t Truth::left_at(std::uint32_t of, std::uint32_t timeline) const {
    for (; timeline != 0; timeline = timelines.at(timeline).parent) {
        if (timelines.at(timeline).parent == of) return timelines.at(timeline).fork;
    }
    return UINT64_MAX;
}

World::World(std::uint64_t seed) : random_(seed), now_(sys_days(2026y / January / 1)) {
    store_.segment_size = segment_size;
    truth_.timelines[1] = {0, 0, 1, true};
    Retention usual;
    usual.recovery_window = days(6);
    usual.keep_backups = 2;
    usual.weekly = 2;
    usual.grace = hours(20);
    Retention other = usual;
    other.recovery_window = days(3);
    other.daily = 3;
    other.weekly = 0;
    other.monthly = 2;
    Retention strict = usual;
    strict.keep_backups = 1;
    strict.weekly = 0;
    strict.yearly = 1;
    policies_ = {usual, other, strict};
}

std::uint64_t World::random(std::uint64_t below) {
    return random_() % below;
}

std::uint32_t World::add_object(const std::string& key) {
    store_.objects.push_back({key, 100 + random(100), now_});
    return static_cast<std::uint32_t>(store_.objects.size() - 1);
}

void World::archive(std::uint32_t timeline, std::uint64_t count) {
    auto& state = truth_.timelines.at(timeline);
    for (std::uint64_t i = 0; i < count; ++i) {
        pass(minutes(20 + random(400)));
        const Segment segment(timeline, state.next++);
        truth_.written[segment] = now_;
        if (random(300) == 0) continue;  // it does not come
        WalFile file;
        file.timeline = timeline;
        file.number = segment.second;
        file.size = 50;
        file.modified = now_ + minutes(random(20));
        file.content = 7;
        store_.wal.push_back(file);
    }
    pass(minutes(20));
}

void World::make_backup(std::uint32_t timeline) {
    Backup backup;
    backup.id.text = "b" + std::to_string(++serial_);
    backup.made_by = "host";
    backup.started = now_;
    backup.timeline = timeline;
    backup.first = truth_.timelines.at(timeline).next;
    const bool announced = chance(90);
    if (announced) store_.begins.push_back({backup.id, now_, backup.first});
    std::vector<std::uint32_t> pieces;
    for (std::uint64_t i = 0; i < 1 + random(3); ++i)
        pieces.push_back(add_object("piece/" + backup.id.text + "." + std::to_string(i)));
    // Pieces that did not change belong to several backups.
    if (!store_.backups.empty() && chance(40)) {
        const Backup& earlier = store_.backups[random(store_.backups.size())];
        const bool marked = std::any_of(store_.marks.begin(), store_.marks.end(),
                                        [&](const Mark& mark) { return mark.backup == earlier.id; });
        if (!marked && earlier.labelled && earlier.missing == 0 && !earlier.objects.empty())
            pieces.push_back(earlier.objects.front());
    }
    archive(timeline, 1 + random(2));
    backup.last = truth_.timelines.at(timeline).next - 1;
    if (announced) std::erase_if(store_.begins, [&](const Begin& begin) { return begin.id == backup.id; });
    if (chance(10)) {  // it was killed, and left its beginning
        if (announced) store_.begins.push_back({backup.id, now_, backup.first});
        return;
    }
    backup.stopped = now_ - minutes(5);
    backup.put = now_;
    backup.objects = pieces;
    backup.labelled = !chance(5);
    backup.indexed = !chance(3) || !backup.labelled;
    backup.counted = !chance(6);
    backup.uncounted = "forged";
    if (chance(3)) backup.stopped = now_ + days(random(40)) - days(20);
    if (chance(4)) backup.missing = 1;
    store_.backups.push_back(backup);
}

void World::fork(bool stray) {
    const auto timeline = static_cast<std::uint32_t>(truth_.timelines.size() + 1);
    if (timeline > 9) return;
    std::uint64_t at = truth_.timelines.at(current_).next - 1;
    if (stray) at -= std::min(at, random(20));
    const std::uint64_t first = truth_.timelines.at(current_).fork;
    if (at <= first) return;
    truth_.timelines[timeline] = {current_, at, at, chance(70)};
    if (truth_.timelines.at(timeline).readable) {
        TimelineHistory history{timeline, {}};
        std::uint64_t begin = 0;
        const auto lineage = truth_.lineage(timeline);
        for (std::size_t i = 0; i < lineage.size(); ++i) {
            const std::uint64_t end = i + 1 < lineage.size()
                                          ? truth_.timelines.at(lineage[i + 1]).fork * segment_size + 4096
                                          : TimelineSpan::open_end;
            history.spans.push_back({lineage[i], begin, end});
            begin = end;
        }
        store_.histories.push_back(history);
    }
    WalFile file;
    file.timeline = timeline;
    file.kind = WalKind::history;
    file.size = 1;
    file.modified = now_;
    store_.wal.push_back(file);
    if (stray) {
        stray_ = timeline;
        archive(timeline, 1 + random(3));
    } else {
        const std::uint32_t old = current_;
        current_ = timeline;
        if (chance(50)) archive(old, 1 + random(2));  // what the old primary wrote behind the fork
        archive(timeline, 1);
    }
}

void World::hold_or_release() {
    if (store_.backups.empty()) return;
    if (!store_.holds.empty() && chance(60)) {
        store_.holds.erase(store_.holds.begin());
        return;
    }
    Hold hold{store_.backups[random(store_.backups.size())].id, std::nullopt, "audit"};
    if (chance(50)) hold.until = now_ + days(random(20));
    store_.holds.push_back(hold);
}

void World::lose() {
    if (store_.wal.empty()) return;
    const std::size_t at = random(store_.wal.size());
    if (store_.wal[at].kind == WalKind::segment)
        store_.wal.erase(store_.wal.begin() + static_cast<std::ptrdiff_t>(at));
}

/// What never came, or has left, comes now: an import, or a host that was down.
void World::put_late() {
    const auto there = present();
    const auto wanted = random(20);
    for (const auto& [segment, time] : truth_.written) {
        if (there.contains(segment) || random(20) != wanted) continue;
        WalFile file;
        file.timeline = segment.first;
        file.number = segment.second;
        file.size = 50;
        file.content = 7;
        file.modified = now_;
        store_.wal.push_back(file);
        unmark("w" + name_of(segment));
    }
}

/// An object was damaged, and healed.
void World::put_again() {
    for (std::uint32_t i = 0; i < store_.objects.size(); ++i) {
        if (gone_.contains(i) || !chance(10)) continue;
        store_.objects[i].modified = now_;
        unmark("o" + store_.objects[i].key);
    }
}

void World::unmark(const std::string& thing) {
    std::erase_if(marked_, [&](const auto& mark) { return mark.first.second == thing; });
}

bool World::step() {
    clock_.doubt.clear();
    store_.trouble.clear();
    const std::uint64_t what = random(100);
    if (what < 30)
        archive(current_, 1 + random(4));
    else if (what < 45)
        make_backup(current_);
    else if (what < 47)
        fork(false);
    else if (what < 49)
        fork(true);
    else if (what < 53 && stray_ != 0 && stray_ != current_)
        chance(30) ? make_backup(stray_) : archive(stray_, 1);
    else if (what < 56)
        hold_or_release();
    else if (what < 57)
        lose();
    else if (what < 58)
        put_late();
    else if (what < 59)
        put_again();
    else if (what < 60)
        pass(days(5 + random(40)));
    else if (what < 61)
        policy_ = random(policies_.size());
    else if (what < 63 && !store_.marks.empty())
        store_.marks.erase(store_.marks.begin() + static_cast<std::ptrdiff_t>(random(store_.marks.size())));
    else
        pass(hours(random(30)));
    if (what == 99) clock_.doubt = "the clock jumped";
    if (what == 98) store_.trouble = "the listing was cut short";
    clock_.now = now_;
    return what >= 45;
}

const StoredCluster& World::listing() {
    std::sort(store_.wal.begin(), store_.wal.end(), [](const WalFile& a, const WalFile& b) {
        return std::pair(a.timeline, a.number) < std::pair(b.timeline, b.number);
    });
    listed_ = store_;
    listed_.objects.clear();
    places_.clear();
    std::map<std::uint32_t, std::uint32_t> moved;
    for (std::uint32_t i = 0; i < store_.objects.size(); ++i) {
        if (gone_.contains(i)) continue;
        moved[i] = static_cast<std::uint32_t>(places_.size());
        places_.push_back(i);
        listed_.objects.push_back(store_.objects[i]);
    }
    for (Backup& backup : listed_.backups) {
        std::vector<std::uint32_t> objects;
        for (const std::uint32_t object : backup.objects) {
            if (gone_.contains(object))
                ++backup.missing;
            else
                objects.push_back(moved.at(object));
        }
        backup.objects = objects;
        if (!backup.indexed) {
            backup.timeline = 0;
            backup.first = backup.last = 0;
            backup.stopped = {};
        }
    }
    return listed_;
}

}  // namespace walferry::expire::model
