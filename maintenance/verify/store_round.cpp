#include "maintenance/verify/store_round.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/store/listing.hpp"
#include "maintenance/verify/named_hash.hpp"
#include "maintenance/verify/spans.hpp"

namespace walferry::verify {
namespace {

using Ended = StoreResult::Ended;

constexpr const char* what_missing = "it should be here, by this host's ledger, and is missing";

class StoreReader {
  public:
    StoreReader(const Round& round, RoundView& view)
        : round_(round), view_(view), pace_(round.limits.rate, round.check.stop) {
        result_.name = round.name;
        for (DamagedObject& known : round.records.damage(round.place))
            known_.emplace(known.key, std::move(known));
    }

    StoreResult run() {
        try {
            spans_ = round_.records.verify_spans(round_.place);
            join();
            look_for_new();
            look_for_missing();
            read_known();
            read_due();
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) {
                result_.ended = Ended::stopped;
            } else if (traits(error.kind()).scope == Scope::ledger) {
                throw;
            } else {
                result_.ended = Ended::trouble;
                result_.trouble = error;
            }
        }
        sum_up();
        return std::move(result_);
    }

  private:
    void join();
    void look_for_new();
    void look_for_missing();
    std::size_t bring_missing(const std::vector<std::string>& missing);
    void read_known();
    void read_due();
    bool read_span(const std::string& after, const VerifySpan& span);
    bool may_read(std::uint64_t size);
    Checked check(const std::string& key, const std::string& probe);
    bool can_read(const std::string& key);
    void take(const std::string& key, const Checked& checked);
    void damaged(const std::string& key, const Checked& checked);
    void sum_up();

    const Round& round_;
    RoundView& view_;
    Pace pace_;
    StoreResult result_;
    std::map<std::string, DamagedObject> known_;
    std::vector<VerifySpan> spans_;
    std::set<std::string> reread_;  // keys of what was known to be damaged
    std::map<std::string, Healing> why_missing_;
    std::string last_sound_;  // a key
};

void StoreReader::join() {
    const Joined joined = join_small(spans_, round_.limits.every);
    if (!joined.gone.empty()) round_.records.change_spans(round_.place, joined.gone, joined.come);
}

/// What lies behind all that is known. What came in between is met when its span is read.
void StoreReader::look_for_new() {
    const bool first_time = spans_.empty();
    SpanMaker maker;
    for (const ObjectInfo& info :
         Listing(round_.store, round_.root, first_time ? "" : spans_.back().last_key)) {
        if (round_.check.stop.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
        maker.add(info);
    }
    std::vector<VerifySpan> found = maker.finish();
    if (found.empty()) return;
    begin_counting(found, first_time, round_.now(), round_.limits.every);
    round_.records.change_spans(round_.place, {}, found);
    std::move(found.begin(), found.end(), std::back_inserter(spans_));
}

void StoreReader::look_for_missing() {
    if (!round_.missing) return;
    std::vector<std::string> missing = round_.missing->look();
    while (round_.healer != nullptr && !missing.empty() && bring_missing(missing) > 0)
        missing = round_.missing->look();
    const std::set<std::string> still(missing.begin(), missing.end());
    const auto known = known_;
    for (const auto& [key, each] : known) {
        if (each.what != what_missing || still.contains(key)) continue;
        round_.records.forget_damage(round_.place, key);
        known_.erase(key);
    }
    for (const std::string& key : missing) {
        if (const auto was = known_.find(key); was != known_.end() && was->second.what == what_missing)
            continue;
        DamagedObject damage{key, what_missing, format_time(round_.now()), false};
        round_.records.note_damage(round_.place, key, damage.what, damage.since);
        known_.insert_or_assign(key, std::move(damage));
    }
}

/// Returns how many there are again.
std::size_t StoreReader::bring_missing(const std::vector<std::string>& missing) {
    std::size_t brought = 0;
    for (const std::string& key : missing) {
        Healing healing = round_.healer->bring(key);
        if (healing.from.empty()) {
            why_missing_[key] = std::move(healing);
            continue;
        }
        round_.missing->came_back(healing.other);
        Damage damage{key, what_missing, format_time(round_.now()), true, std::move(healing)};
        if (const auto was = known_.find(key); was != known_.end()) damage.since = was->second.since;
        result_.healed.push_back(std::move(damage));
        ++brought;
    }
    return brought;
}

/// What was damaged when it was read last, so that what an administrator has done is seen at once.
void StoreReader::read_known() {
    const auto known = known_;
    for (const auto& [key, each] : known) {
        if (each.what == what_missing) continue;
        take(key, check(key, last_sound_));
        reread_.insert(key);
    }
}

void StoreReader::read_due() {
    const auto due = due_spans(spans_, round_.now(), round_.limits.every,
                               round_.limits.all || round_.limits.max_bytes || round_.limits.until);
    for (const std::size_t each : due) view_.wanted += spans_[each].bytes;
    for (const std::size_t each : due) {
        if (!read_span(each == 0 ? "" : spans_[each - 1].last_key, spans_[each])) return;
    }
}

bool StoreReader::may_read(std::uint64_t size) {
    const Limits& limits = round_.limits;
    if (limits.max_bytes && pace_.bytes() + size > *limits.max_bytes) result_.ended = Ended::max_bytes;
    if (limits.until && std::chrono::steady_clock::now() >= *limits.until) result_.ended = Ended::time;
    return result_.ended == Ended::done;
}

/// False where the run ends. The row of what has been read moves on with each object, the row of the rest
/// stays until its end.
bool StoreReader::read_span(const std::string& after, const VerifySpan& span) {
    std::optional<VerifySpan> read;
    std::string at;  // the last key that was recorded
    const auto move_to = [&](const std::string& key, std::uint64_t objects, std::uint64_t bytes) {
        std::vector<std::string> gone;
        if (read) {
            gone.push_back(read->last_key);
        } else {
            const std::string now = format_time(round_.now());
            read = VerifySpan{{}, now, now, 0, 0};
        }
        read->last_key = at = key;
        read->objects += objects;
        read->bytes += bytes;
        round_.records.change_spans(round_.place, gone, std::span(&*read, 1));
        if (is_full(*read)) read.reset();
    };
    Listing listing(round_.store, round_.root, after);
    const ObjectInfo* listed = listing.next();
    while (listed != nullptr && listed->key <= span.last_key) {
        const ObjectInfo object = *listed;
        listed = listing.next();
        if (!hash_in_name(object.key)) {
            ++result_.nameless;
            continue;
        }
        if (!reread_.contains(object.key)) {
            if (!may_read(object.size)) return false;
            take(object.key,
                 check(object.key, last_sound_.empty() && listed != nullptr ? listed->key : last_sound_));
        }
        ++result_.objects;
        ++view_.objects;
        view_.bytes += object.size;
        move_to(object.key, 1, object.size);
    }
    if (at == span.last_key) return true;
    // The last object is gone, or none is left.
    if (read) {
        move_to(span.last_key, 0, 0);
    } else {
        round_.records.change_spans(round_.place, std::span(&span.last_key, 1), {});
    }
    return true;
}

/// A server that cannot read one object may say that it is unwell: 500, an error of the medium, no right to
/// it. Where another object can be read before and after, it is this one.
Checked StoreReader::check(const std::string& key, const std::string& probe) {
    const auto look = [&] { return check_object(round_.store, round_.root, key, pace_, round_.check); };
    try {
        return look();
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::interrupted || probe.empty() || probe == key) throw;
        round_.try_again();
        if (!can_read(probe)) throw;
    }
    try {
        return look();
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::interrupted) throw;
        round_.try_again();
        if (!can_read(probe)) throw;
        return Checked{Checked::Condition::damaged,
                       "it cannot be read, while others can: " + error.message()};
    }
}

bool StoreReader::can_read(const std::string& key) {
    try {
        (void)check_object(round_.store, round_.root, key, pace_, round_.check);
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::interrupted) throw;
        return false;
    }
}

void StoreReader::take(const std::string& key, const Checked& checked) {
    if (checked.opened) ++result_.opened;
    if (checked.for_others) ++result_.for_others;
    switch (checked.condition) {
        case Checked::Condition::damaged:
        case Checked::Condition::invalid:
            return damaged(key, checked);
        case Checked::Condition::sound:
            last_sound_ = key;
            if (checked.differed)
                round_.say("store " + round_.name + ": " + key +
                           " came back with other bytes once, and sound the second time");
            break;
        case Checked::Condition::gone:
            break;
    }
    if (known_.erase(key) == 0) return;
    round_.records.forget_damage(round_.place, key);
    round_.say("store " + round_.name + ": " + key +
               (checked.condition == Checked::Condition::gone ? ", which was damaged, is gone"
                                                              : " was damaged and is sound again"));
}

/// Recorded before anything else is done with it.
void StoreReader::damaged(const std::string& key, const Checked& checked) {
    const auto known = known_.find(key);
    Damage damage{key, checked.what, format_time(round_.now()), true, {}};
    if (known != known_.end()) {
        damage.since = known->second.since;
        damage.is_new = !known->second.told;
    }
    round_.records.note_damage(round_.place, key, checked.what, damage.since);
    if (known == known_.end()) known_.emplace(key, DamagedObject{key, checked.what, damage.since, false});
    if (round_.healer != nullptr && checked.condition == Checked::Condition::damaged) {
        damage.healing = round_.healer->replace(key);
        if (!damage.healing.from.empty()) {
            round_.records.forget_damage(round_.place, key);
            known_.erase(key);
            result_.healed.push_back(std::move(damage));
            return;
        }
    }
    ++view_.damaged;
    result_.damage.push_back(std::move(damage));
}

void StoreReader::sum_up() {
    result_.bytes = pace_.bytes();
    // What is missing; and what was not read again, because the store did not answer, is known all the same.
    for (const auto& [key, each] : known_) {
        const bool told =
            std::any_of(result_.damage.begin(), result_.damage.end(),
                        [&, &wanted = key](const Damage& damage) { return damage.key == wanted; });
        if (told) continue;
        const auto why = why_missing_.find(key);
        result_.damage.push_back(
            {key, each.what, each.since, !each.told, why == why_missing_.end() ? Healing{} : why->second});
    }
    const auto spans = round_.records.verify_spans(round_.place);
    for (const VerifySpan& span : spans) {
        result_.all_objects += span.objects;
        result_.all_bytes += span.bytes;
        if (!result_.longest_unread || span.since < *result_.longest_unread)
            result_.longest_unread = span.since;
    }
    for (const std::size_t each : due_spans(spans, round_.now(), round_.limits.every, false))
        result_.due_bytes += spans[each].bytes;
}

}  // namespace

StoreResult verify_store(const Round& round, RoundView& view) {
    return StoreReader(round, view).run();
}

}  // namespace walferry::verify
