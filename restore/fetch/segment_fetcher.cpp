#include "restore/fetch/segment_fetcher.hpp"

#include <set>
#include <thread>

#include "archive/segment_sinks.hpp"
#include "common/wal/fingerprint.hpp"
#include "common/wal/lsn.hpp"
#include "restore/fetch/timeline_search.hpp"

namespace walferry::fetch {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds pause_before_asking_again{300};
constexpr milliseconds first_pause{250};
constexpr milliseconds longest_pause{5000};

/// No other attempt can succeed before an administrator has changed something.
bool is_permanent(ErrorKind kind) {
    return traits(kind).cure == Cure::person;
}

Error a_gap(const WalName& name, const std::string& later) {
    return {ErrorKind::integrity, name.text + " is in no store that was asked, but " + later + " is: a gap",
            "recovery cannot go past it; look for the file in old pg_wal directories and copies of the spool "
            "and bring it in with `walferry import`, or end the recovery before it"};
}

/// A content that only something beside the stores has.
archive::StoreAnswer elsewhere(const WalName& name, const std::string& content) {
    archive::StoreAnswer answer;
    answer.answered = true;
    if (!content.empty()) answer.objects.push_back({name.text, content, {}, {}, false});
    return answer;
}

bool any_store_has(const archive::Look& look, const std::string& content) {
    for (const archive::StoreAnswer& answer : look.answers) {
        for (const ObjectName& object : answer.objects) {
            if (object.fingerprint == content) return true;
        }
    }
    return false;
}

bool is_settled(const archive::Look& look, const std::string& content) {
    return std::any_of(look.answers.begin(), look.answers.end(),
                       [&](const archive::StoreAnswer& answer) { return answer.settled.contains(content); });
}

}  // namespace

SegmentFetcher::SegmentFetcher(archive::ArchiveView& view, const DecodeOptions& decoding,
                               FetchContext context)
    : view_(view), decoding_(decoding), context_(std::move(context)), race_(view, decoding) {
    if (!context_.spool.empty()) spool_.emplace(context_.spool);
}

Missing SegmentFetcher::missing(const WalName& name) const {
    if (context_.way == nullptr) return {name, 0, 1};
    return {name, context_.way->segment_size(), context_.way->own_timeline()};
}

OpenSink SegmentFetcher::cut_off(const Try& now) const {
    if (!now.cut) return now.open;
    const std::uint64_t keep = *now.cut - *now.name.start_lsn(context_.way->segment_size());
    return [open = now.open, keep] { return std::make_shared<archive::ZeroedFrom>(open(), keep); };
}

void SegmentFetcher::fetched(Try& now, std::shared_ptr<Sink> file) {
    if (const auto cut = std::dynamic_pointer_cast<archive::ZeroedFrom>(file)) file = cut->next();
    now.attempt.file = std::move(file);
    now.attempt.cut = now.cut;
    now.attempt.end = Attempt::End::fetched;
}

bool SegmentFetcher::from_spool(Try& now, const WalName& name, const std::string& content,
                                SpoolCopy::Result& result) {
    if (!spool_) return false;
    std::optional<archive::MarkedSink> marked;
    const OpenSink open = cut_off(now);
    result = spool_->fetch(
        view_.system_identifier(), name, content, [&]() -> Sink& { return marked.emplace(open()); }, now.say);
    if (result.fetched) fetched(now, marked->next());
    return result.fetched;
}

bool SegmentFetcher::from_stores(Try& now, const WalName& name, const archive::Look& look,
                                 const std::string& content) {
    std::vector<StoredCopy> copies;
    for (const std::size_t index : view_.order()) {
        const archive::StoreAnswer& answer = look.answers[index];
        for (const ObjectName& object : answer.objects) {
            if (object.fingerprint == content)
                copies.push_back({index, view_.keys(index).wal(object), object});
        }
    }
    Attempt& attempt = now.attempt;
    auto file = race_.read(name, copies, cut_off(now), [&](const StoredCopy& copy, const Error& error) {
        const bool damaged = error.kind() == ErrorKind::integrity;
        now.say("store " + view_.store(copy.store).name + ": " + copy.key +
                " cannot be used: " + error.message());
        if (!damaged) view_.note_failure(copy.store);
        // Damage is what a person must hear of; an outage only when there is nothing else.
        if (!attempt.trouble || damaged) attempt.trouble = error;
        attempt.may_pass = attempt.may_pass || !is_permanent(error.kind());
    });
    if (!file) return false;
    fetched(now, std::move(file));
    return true;
}

std::string SegmentFetcher::own_history(const WalName& name) const {
    if (name.kind != WalKind::history || context_.way == nullptr || !context_.for_server) return {};
    const auto text = context_.way->own_history(name);
    if (!text) return {};
    Fingerprint fingerprint;
    fingerprint.update(as_bytes(*text));
    return fingerprint.digits();
}

std::string SegmentFetcher::later_in_spool(const WalName& name) const {
    std::string first;
    if (name.kind != WalKind::segment && name.kind != WalKind::history) return first;
    for (const WalName& waiting : spool_->waiting(view_.system_identifier())) {
        if (!waiting.has_header() || waiting.timeline != name.timeline ||
            (name.kind == WalKind::segment && waiting.text.substr(0, 24) <= name.text))
            continue;
        if (first.empty() || waiting.text < first) first = waiting.text;
    }
    return first;
}

TimelineSights SegmentFetcher::other_timelines(const WalName& name, const Say& say) {
    TimelineSearch search(name, view_.system_identifier(), decoding_);
    for (std::size_t i = 0; i < view_.size(); ++i) {
        try {
            search.look_into(race_.connection(i), view_.keys(i));
        } catch (const Error& error) {
            view_.note_failure(i);
            say(error.message());
            throw;
        }
    }
    if (spool_) search.look_into(*spool_);
    if (context_.way != nullptr) {
        for (const TimelineHistory& history : context_.way->own_histories()) search.add(history);
    }
    return search.finish();
}

/// False where a standby need not think any further: no store has answered.
bool SegmentFetcher::note_troubles(Try& now, const archive::Look& look) {
    std::vector<std::string> lines;
    std::string all;
    for (std::size_t i = 0; i < view_.size(); ++i) {
        if (!look.troubles[i]) continue;
        if (!look.skipped[i]) lines.push_back(look.troubles[i]->message());
        all += (all.empty() ? "" : "; ") + look.troubles[i]->message();
        now.attempt.unreachable.push_back(view_.store(i).name);
        now.attempt.trouble = look.troubles[i];
        now.attempt.may_pass = now.attempt.may_pass || !is_permanent(look.troubles[i]->kind());
    }
    if (context_.asker == Asker::standby && now.attempt.unreachable.size() == view_.size()) {
        now.attempt.trouble = Error(ErrorKind::unreachable, "no store answers: " + all);
        return false;
    }
    for (const std::string& line : lines) now.say(line);
    return true;
}

/// What everything says that may have the name: stores, this server's pg_wal, the spool.
std::vector<archive::StoreAnswer> SegmentFetcher::all_answers(Try& now, const archive::Look& look,
                                                              const SpoolCopy::Result& spooled) const {
    const WalName& name = now.name;
    std::vector<archive::StoreAnswer> answers;
    for (const archive::StoreAnswer& answer : look.answers) {
        for (const std::string& line : answer.refused) now.say(line);
        if (answer.answered || context_.asker != Asker::standby) answers.push_back(answer);
    }
    const std::string own = own_history(name);
    if (!own.empty()) answers.push_back(elsewhere(name, own));
    if (!spooled.disputed.empty()) {
        for (const std::string& content : spooled.disputed) answers.push_back(elsewhere(name, content));
    } else if (spool_ && !spooled.trouble) {
        answers.push_back(elsewhere(name, {}));
        answers.back().later = later_in_spool(name);
    }
    // What the old timeline has behind the fork does not exist for this recovery.
    if (now.cut) {
        for (archive::StoreAnswer& answer : answers) answer.later.clear();
    }
    return answers;
}

void SegmentFetcher::look_everywhere(Try& now, bool fresh) {
    const WalName& name = now.name;
    SpoolCopy::Result spooled;
    if (from_spool(now, name, {}, spooled)) return;
    if (spooled.trouble) now.say(spooled.trouble->message());
    const archive::Look look = view_.look(name, fresh, now.deadline);
    if (!note_troubles(now, look)) return;
    const std::string own = own_history(name);
    const std::vector<archive::StoreAnswer> answers = all_answers(now, look, spooled);
    const archive::Verdict verdict =
        archive::judge(name, answers, view_.asks_all() && now.attempt.unreachable.empty());
    const bool disputed = std::find(spooled.disputed.begin(), spooled.disputed.end(), verdict.content) !=
                          spooled.disputed.end();
    switch (verdict.kind) {
        case archive::Verdict::Kind::found:
            if (verdict.content == own && !disputed && !any_store_has(look, own)) {
                // PostgreSQL takes its own, unless another one may be in a store that is silent.
                if (context_.asker == Asker::standby || now.attempt.unreachable.empty())
                    now.attempt.end = Attempt::End::absent;
                break;
            }
            if (disputed && !any_store_has(look, verdict.content) && !is_settled(look, verdict.content)) {
                not_as_recorded(now);
                break;
            }
            if (disputed && from_spool(now, name, verdict.content, spooled)) break;
            (void)from_stores(now, name, look, verdict.content);
            break;
        case archive::Verdict::Kind::absent:
        case archive::Verdict::Kind::gap:
            if (spooled.trouble && context_.asker != Asker::standby) {
                now.attempt.trouble = *spooled.trouble;
                break;
            }
            nowhere(now, verdict, look);
            break;
        case archive::Verdict::Kind::several:
            if (!one_up_to_the_fork(now, look, answers, spooled)) several(now, verdict, look, own);
            break;
        case archive::Verdict::Kind::unknown:
            break;
    }
}

/// Only the spool has it, and not with the bytes that push recorded: damage must not end a recovery early.
void SegmentFetcher::not_as_recorded(Try& now) {
    const std::string what =
        "the spool's copy of " + now.name.text +
        " is not what was recorded when it was archived, and no store that answered has " + now.name.text;
    if (context_.asker == Asker::standby) {
        now.say(what);
        now.attempt.end = Attempt::End::absent;
        return;
    }
    now.attempt.trouble =
        Error(ErrorKind::integrity, what,
              "move that file out of the spool and bring the segment back from the server's pg_wal or "
              "an earlier archive directory (walferry import DIRECTORY), or restore to a target before "
              "it");
}

/// Every source that counts was asked, and none has it.
void SegmentFetcher::nowhere(Try& now, const archive::Verdict& verdict, const archive::Look& look) {
    const WalName& name = now.name;
    const bool in_order = name.kind == WalKind::segment || name.kind == WalKind::history;
    const Missing missing = this->missing(name);
    if (now.cut && unfinished_end(now, *now.cut)) return;
    const bool excused = name.kind == WalKind::history && name.timeline <= missing.own_timeline;
    if (verdict.kind == archive::Verdict::Kind::gap && !excused) {
        now.attempt.trouble = a_gap(name, verdict.detail);
        return;
    }
    if (context_.asker == Asker::recovery && in_order && !excused) {
        const TimelineSights seen = other_timelines(name, now.say);
        const auto fork = now.cut ? std::nullopt : fork_within(missing, seen);
        if (fork && !later_elsewhere(missing, seen, fork) && unfinished_end(now, *fork)) return;
        if (const auto later = later_elsewhere(missing, seen)) {
            now.attempt.trouble = a_gap(name, *later);
            return;
        }
        for (const archive::StoreAnswer& answer : look.answers) {
            if (answer.partials.empty()) continue;
            now.attempt.trouble = a_gap(name, name.text + ".partial (up to where it counts no history says)");
            return;
        }
    }
    now.attempt.end = Attempt::End::absent;
}

Attempt SegmentFetcher::attempt(const WalName& name, bool fresh, archive::ArchiveView::Time deadline,
                                const OpenSink& open, const Say& say) {
    Try now{name, open, say, deadline, {}, {}};
    try {
        if (context_.way != nullptr && context_.for_server) now.cut = context_.way->leaves_at(name);
        if (now.cut && *now.cut <= *name.start_lsn(context_.way->segment_size())) {
            // The newer timeline's segment of the same place was asked for before, and is not there.
            now.attempt.end = Attempt::End::absent;
            return now.attempt;
        }
        look_everywhere(now, fresh);
    } catch (const archive::SinkFailure& failure) {
        throw failure.error;
    } catch (const Error& error) {
        now.attempt.trouble = error;
        now.attempt.may_pass = !is_permanent(error.kind());
    }
    return now.attempt;
}

Attempt SegmentFetcher::persist(const WalName& name, archive::ArchiveView::Time deadline,
                                const OpenSink& open, const Say& say) {
    std::set<std::string> said;
    const Say say_once = [&](const std::string& line) {
        if (said.insert(line).second) say(line);
    };
    bool absent_before = false;
    milliseconds pause = first_pause;
    for (bool fresh = false;; fresh = true) {
        Attempt attempt = this->attempt(name, fresh, deadline, open, say_once);
        if (attempt.end == Attempt::End::fetched || context_.asker == Asker::standby) return attempt;
        const bool absent = attempt.end == Attempt::End::absent;
        if (absent && absent_before) return attempt;
        if (!absent && !attempt.may_pass) return attempt;
        const milliseconds wait = absent ? pause_before_asking_again : pause;
        if (!absent) pause = std::min(2 * pause, longest_pause);
        if (steady_clock::now() + wait >= deadline) {
            // Asked only once in the time there was: no proof.
            if (absent) {
                attempt.end = Attempt::End::failed;
                attempt.trouble =
                    Error(ErrorKind::incomplete, "there was no time to ask twice for " + name.text);
            }
            return attempt;
        }
        absent_before = absent;
        std::this_thread::sleep_for(wait);
    }
}

}  // namespace walferry::fetch
