// What must hold, found by going through everything there is: none of the planner's own means is used.
#include <algorithm>
#include <stdexcept>

#include "tests/maintenance/expire/model.hpp"

namespace walferry::expire::model {
namespace {

using namespace std::chrono;

void require(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
}

}  // namespace

bool World::visible_history(std::uint32_t timeline) const {
    return timeline == 1 || truth_.timelines.at(timeline).readable;
}

bool World::counts(const Backup& backup) const {
    return backup.labelled && backup.indexed && backup.counted && backup.stopped <= backup.put + hours(1);
}

WallTime World::ended(const Backup& backup) const {
    WallTime ended = backup.stopped;
    for (const WalFile& file : store_.wal) {
        if (file.timeline == backup.timeline && file.number == backup.last)
            ended = std::max(ended, file.modified);
    }
    return ended;
}

bool World::held(const Backup& backup) const {
    return std::any_of(store_.holds.begin(), store_.holds.end(), [&](const Hold& hold) {
        return hold.backup == backup.id && (!hold.until || *hold.until > now_);
    });
}

std::set<Segment> World::present() const {
    std::set<Segment> found;
    for (const WalFile& file : store_.wal) {
        if (file.kind == WalKind::segment) found.insert({file.timeline, file.number});
    }
    return found;
}

bool World::restorable(const Backup& backup) const {
    if (!backup.labelled || backup.missing > 0) return false;
    for (const std::uint32_t object : backup.objects) {
        if (gone_.contains(object)) return false;
    }
    const auto there = present();
    for (std::uint64_t n = backup.first; n <= backup.last; ++n) {
        if (!there.contains({backup.timeline, n})) return false;
    }
    return true;
}

std::vector<const Backup*> World::real() const {
    std::vector<const Backup*> found;
    for (const Backup& backup : store_.backups) {
        if (counts(backup) && restorable(backup)) found.push_back(&backup);
    }
    return found;
}

bool World::leads(const Backup& backup, std::uint32_t timeline, bool perhaps) const {
    const auto lineage = truth_.lineage(timeline);
    if (std::find(lineage.begin(), lineage.end(), backup.timeline) == lineage.end()) return false;
    const std::uint64_t left = truth_.left_at(backup.timeline, timeline);
    return perhaps ? backup.last <= left : backup.last < left;
}

std::set<Segment> World::reach(const Backup& backup) const {
    const auto there = present();
    std::set<Segment> found;
    for (const auto& [timeline, state] : truth_.timelines) {
        if (!leads(backup, timeline, false)) continue;
        for (std::uint64_t n = backup.first; n < state.next; ++n) {
            const Segment next(truth_.source(timeline, n), n);
            if (!there.contains(next)) break;
            if (n >= backup.last) found.insert(next);
        }
    }
    return found;
}

std::set<Segment> World::reachable(WallTime since) const {
    std::set<Segment> found;
    for (const Backup* backup : real()) {
        for (const Segment& segment : reach(*backup)) {
            if (truth_.written.at(segment) >= since) found.insert(segment);
        }
    }
    return found;
}

std::optional<Window> World::window() const {
    std::optional<WallTime> newest;
    for (const WalFile& file : store_.wal) {
        if (file.kind == WalKind::segment && (!newest || file.modified > *newest)) newest = file.modified;
    }
    if (!newest) return std::nullopt;
    const WallTime end = std::min(*newest, clock_.now);
    return Window{end - retention().recovery_window, end};
}

void World::expect_led(Expected& all, const Backup& backup) const {
    const auto there = present();
    for (const auto& [timeline, state] : truth_.timelines) {
        const bool known = visible_history(timeline);
        const bool on_it = known ? leads(backup, timeline, true) : backup.timeline == timeline;
        std::uint64_t first_held = UINT64_MAX;
        for (const Segment& segment : there) {
            if (segment.first == timeline) first_held = std::min(first_held, segment.second);
        }
        for (const Segment& segment : there) {
            if (on_it && known) {
                const auto lineage = truth_.lineage(timeline);
                const bool of_lineage =
                    std::find(lineage.begin(), lineage.end(), segment.first) != lineage.end();
                if (of_lineage && segment.first >= backup.timeline && segment.second >= backup.first &&
                    segment.second >= truth_.timelines.at(segment.first).fork &&
                    segment.second <= truth_.left_at(segment.first, timeline))
                    all.wal.insert(segment);
            } else if (segment.first == timeline) {
                if (on_it ? segment.second >= backup.first
                          : !known && timeline > backup.timeline && first_held >= backup.first)
                    all.wal.insert(segment);
            }
        }
    }
}

void World::expect_path(Expected& all, std::uint32_t timeline, const Window& window) const {
    const bool known = visible_history(timeline);
    bool touched = false;
    WallTime last_put{};
    std::uint64_t last = 0;
    for (const WalFile& file : store_.wal) {
        if (file.timeline != timeline || file.kind != WalKind::segment) continue;
        touched = touched || file.modified >= window.start;
        if (file.number >= last) {
            last = file.number;
            last_put = file.modified;
        }
    }
    for (const Backup& backup : store_.backups) {
        if (counts(backup) && backup.timeline == timeline && ended(backup) >= window.start) touched = true;
    }
    if (!touched) return;
    std::vector<const Backup*> along;
    for (const Backup* backup : real()) {
        if (known ? leads(*backup, timeline, false) : backup->timeline == timeline) along.push_back(backup);
    }
    std::sort(along.begin(), along.end(), [](const Backup* a, const Backup* b) { return a->last > b->last; });
    for (std::size_t i = 0; i < along.size() && i < static_cast<std::size_t>(retention().keep_backups); ++i)
        all.backups.insert(along[i]->id.text);
    for (const Backup* backup : along) {
        if (ended(*backup) >= window.start) continue;
        if (!reach(*backup).contains({timeline, last}) || last_put < window.start) break;
        all.backups.insert(backup->id.text);
        return expect_led(all, *backup);
    }
    // No backup precedes the window without a gap: much more stays, which is another test's concern.
    all.exact = false;
}

void World::expect_periods(Expected& all, const Window& window) const {
    const auto newest = [&](int count, auto period) {
        std::map<long, const Backup*> best;
        for (const Backup* backup : real()) {
            if (ended(*backup) >= window.start) continue;
            const Backup*& place = best[period(floor<days>(backup->stopped))];
            if (place == nullptr || place->stopped < backup->stopped) place = backup;
        }
        for (auto at = best.rbegin(); at != best.rend() && count > 0; ++at, --count)
            all.backups.insert(at->second->id.text);
    };
    newest(retention().daily, [](sys_days day) { return day.time_since_epoch().count(); });
    newest(retention().weekly, [](sys_days day) { return (day.time_since_epoch().count() + 3) / 7; });
    newest(retention().monthly, [](sys_days day) {
        const year_month_day date(day);
        return int(date.year()) * 12L + static_cast<long>(unsigned(date.month()));
    });
    newest(retention().yearly, [](sys_days day) { return long{int(year_month_day(day).year())}; });
}

World::Expected World::expected(const Window& window) const {
    Expected all;
    for (const auto& [timeline, state] : truth_.timelines) expect_path(all, timeline, window);
    auto newest = real();
    std::sort(newest.begin(), newest.end(),
              [](const Backup* a, const Backup* b) { return a->stopped > b->stopped; });
    for (std::size_t i = 0; i < newest.size() && i < static_cast<std::size_t>(retention().keep_backups); ++i)
        all.backups.insert(newest[i]->id.text);
    expect_periods(all, window);
    for (const Backup& backup : store_.backups) {
        const bool judged = counts(backup) && !held(backup) && ended(backup) < window.start;
        if (backup.labelled ? !judged : now_ - backup.put < days(7)) all.backups.insert(backup.id.text);
    }
    for (const Backup& backup : store_.backups) {
        if (!all.backups.contains(backup.id.text)) continue;
        for (const WalFile& file : store_.wal) {
            const bool needs = backup.indexed ? file.timeline == backup.timeline &&
                                                    file.number >= backup.first && file.number <= backup.last
                                              : file.modified >= backup.started - days(7) &&
                                                    file.modified <= backup.put + days(7);
            if (needs) all.wal.insert({file.timeline, file.number});
        }
    }
    for (const Begin& begin : store_.begins) {
        if (!under_way(begin)) continue;
        for (const Segment& segment : present()) {
            if (segment.second >= *begin.first) all.wal.insert(segment);
        }
    }
    return all;
}

void World::check(const Plan& plan) {
    check_marks(plan);
    if (!clock_.doubt.empty() || !store_.trouble.empty()) {
        require(!plan.blocked.empty(), "a run that must not decide anything decided");
        require(plan.withdrawn.empty() && plan.spent.empty() && plan.amount(Fate::mark).objects == 0 &&
                    plan.amount(Fate::remove).objects == 0,
                "a blocked plan does something");
        return;
    }
    const auto window = this->window();
    if (!window || !plan.blocked.empty()) return;
    require(plan.window && plan.window->start == window->start && plan.window->end == window->end,
            "another window");
    const Expected all = expected(*window);
    for (std::size_t i = 0; i < listed_.backups.size(); ++i) {
        const std::string& id = listed_.backups[i].id.text;
        const bool keep = plan.backups[i].fate == Fate::keep;
        require(keep || !all.backups.contains(id), "backup " + id + " is to stay");
        require(!keep || !all.exact || all.backups.contains(id),
                "backup " + id + " stays without need: " + plan.backups[i].why);
    }
    for (std::size_t i = 0; i < listed_.wal.size(); ++i) {
        const WalFile& file = listed_.wal[i];
        const bool keep = plan.wal[i].fate == Fate::keep;
        if (file.kind == WalKind::history) {
            require(keep, "a history file is to stay");
            continue;
        }
        const Segment segment(file.timeline, file.number);
        require(keep || !all.wal.contains(segment), "segment " + name_of(segment) + " is to stay");
        require(!keep || !all.exact || all.wal.contains(segment),
                "segment " + name_of(segment) +
                    " stays without need: " + plan.wal_reasons[plan.wal[i].reason].why);
    }
    if (all.exact) ++exact_;
}

bool World::under_way(const Begin& begin) const {
    return now_ - begin.made < days(7);
}

void World::check_marks(const Plan& plan) {
    const auto see = [&](const std::string& thing, Fate fate) {
        if (fate == Fate::keep && plan.blocked.empty()) unmark(thing);
        if (fate != Fate::wait && fate != Fate::remove) return;
        const auto since = marked_.find({retention().policy(), thing});
        require(since != marked_.end(), thing + " counts as marked under this policy, and is not");
        require(fate == Fate::wait || now_ - since->second >= retention().grace,
                thing + " is to be removed before its grace has passed");
    };
    for (std::size_t i = 0; i < listed_.backups.size(); ++i)
        see("b" + listed_.backups[i].id.text, plan.backups[i].fate);
    for (std::size_t i = 0; i < listed_.wal.size(); ++i)
        see("w" + name_of({listed_.wal[i].timeline, listed_.wal[i].number}), plan.wal[i].fate);
    const bool running = std::any_of(store_.begins.begin(), store_.begins.end(),
                                     [&](const Begin& begin) { return under_way(begin); });
    for (const Decision& object : plan.objects)
        require(!running || object.fate != Fate::remove, "a piece is to go while a backup is under way");
    std::set<std::uint32_t> named;
    for (const Backup& backup : listed_.backups) named.insert(backup.objects.begin(), backup.objects.end());
    for (std::uint32_t i = 0; i < listed_.objects.size(); ++i) {
        if (!named.contains(i)) {
            see("o" + listed_.objects[i].key, plan.objects[i].fate);
            const bool young = now_ - listed_.objects[i].modified < days(7);
            require(!young || plan.objects[i].fate == Fate::keep, "an orphan is to go that is young");
        }
    }
}

void World::put_marks(const Plan& plan) {
    const auto log = [&](const std::string& thing) {
        marked_.try_emplace({retention().policy(), thing}, now_);
    };
    for (std::size_t i = 0; i < listed_.backups.size(); ++i) {
        if (plan.backups[i].fate != Fate::mark) continue;
        Mark mark;
        mark.made = now_;
        mark.policy = retention().policy();
        mark.backup = listed_.backups[i].id;
        store_.marks.push_back(mark);
        log("b" + mark.backup->text);
    }
    Mark wal;
    Mark keys;
    wal.made = keys.made = now_;
    wal.policy = keys.policy = retention().policy();
    for (std::size_t i = 0; i < listed_.wal.size(); ++i) {
        if (plan.wal[i].fate != Fate::mark) continue;
        const WalFile& file = listed_.wal[i];
        if (wal.wal.empty() || wal.wal.back().timeline != file.timeline ||
            wal.wal.back().last + 1 != file.number)
            wal.wal.push_back({file.timeline, file.number, file.number});
        wal.wal.back().last = file.number;
        log("w" + name_of({file.timeline, file.number}));
    }
    for (std::size_t i = 0; i < listed_.objects.size(); ++i) {
        if (plan.objects[i].fate != Fate::mark) continue;
        keys.keys.push_back(listed_.objects[i].key);
        log("o" + listed_.objects[i].key);
    }
    std::sort(keys.keys.begin(), keys.keys.end());
    if (!wal.wal.empty()) store_.marks.push_back(wal);
    if (!keys.keys.empty()) store_.marks.push_back(keys);
}

void World::carry_out(const Plan& plan) {
    const auto window = this->window();
    const auto before = window ? reachable(window->start) : std::set<Segment>();
    std::vector<std::string> sound;
    for (const Backup& backup : store_.backups) {
        bool protects = true;
        for (const WalFile& file : store_.wal) {
            if (!backup.indexed && file.timeline == backup.timeline && file.number >= backup.first &&
                file.number <= backup.last && file.modified > backup.put + days(7))
                protects = false;
        }
        if (restorable(backup) && protects) sound.push_back(backup.id.text);
    }
    remove(plan);
    for (const Backup& backup : store_.backups) {
        const bool was = std::find(sound.begin(), sound.end(), backup.id.text) != sound.end();
        require(!was || !backup.labelled || restorable(backup),
                "backup " + backup.id.text + " is there and cannot be restored any more");
    }
    if (!window) return;
    const auto after = reachable(window->start);
    for (const Segment& segment : before)
        require(after.contains(segment), "the moment " + name_of(segment) + " of the window was lost");
}

void World::remove(const Plan& plan) {
    std::size_t budget = chance(30) ? random(8) : SIZE_MAX;
    const auto goes_on = [&] { return budget > 0 && budget-- > 0; };
    if (!plan.blocked.empty()) return;
    std::set<std::size_t> marks(plan.withdrawn.begin(), plan.withdrawn.end());
    marks.insert(plan.spent.begin(), plan.spent.end());
    for (auto mark = marks.rbegin(); mark != marks.rend(); ++mark)
        store_.marks.erase(store_.marks.begin() + static_cast<std::ptrdiff_t>(*mark));
    if (!goes_on()) return;
    put_marks(plan);
    for (std::size_t i = 0; i < listed_.backups.size(); ++i) {
        if (plan.backups[i].fate != Fate::remove) continue;
        const BackupId& id = listed_.backups[i].id;
        const auto backup = std::find_if(store_.backups.begin(), store_.backups.end(),
                                         [&](const Backup& b) { return b.id == id; });
        if (!goes_on()) return;
        std::erase_if(store_.marks, [&](const Mark& mark) { return mark.backup == id; });
        if (!goes_on()) return;
        backup->labelled = false;
        if (!goes_on()) return;
        store_.backups.erase(backup);
        unmark("b" + id.text);
        ++removed_;
    }
    for (std::size_t i = 0; i < listed_.objects.size(); ++i) {
        if (plan.objects[i].fate != Fate::remove) continue;
        if (!goes_on()) return;
        gone_.insert(places_[i]);
    }
    for (std::size_t i = 0; i < listed_.wal.size(); ++i) {
        if (plan.wal[i].fate != Fate::remove) continue;
        if (!goes_on()) return;
        const WalFile& file = listed_.wal[i];
        std::erase_if(store_.wal, [&](const WalFile& f) {
            return f.timeline == file.timeline && f.number == file.number && f.kind == file.kind;
        });
        unmark("w" + name_of({file.timeline, file.number}));
        ++removed_;
    }
}

}  // namespace walferry::expire::model
