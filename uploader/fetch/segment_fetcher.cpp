#include "uploader/fetch/segment_fetcher.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "uploader/fetch/object_read.hpp"
#include "uploader/fetch/trusted_content.hpp"

namespace walferry {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds pause_before_asking_again{300};
constexpr milliseconds first_pause{250};
constexpr milliseconds longest_pause{5000};

/// A failure of where the bytes go, which no other store's copy would mend.
struct SinkFailure {
    Error error;
};

/// Tells what the sink throws from what the store or the object does.
class MarkedSink : public Sink {
  public:
    explicit MarkedSink(Sink& next) : next_(next) {}
    void write(Bytes bytes) override {
        try {
            next_.write(bytes);
        } catch (const Error& error) {
            throw SinkFailure{error};
        }
    }
    void finish() override {
        try {
            next_.finish();
        } catch (const Error& error) {
            throw SinkFailure{error};
        }
    }

  private:
    Sink& next_;
};

/// What another attempt a moment later cannot mend: keys, rights, names, damage.
bool is_permanent(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::config:
        case ErrorKind::usage:
        case ErrorKind::denied:
        case ErrorKind::no_bucket:
        case ErrorKind::rejected:
        case ErrorKind::untrusted:
        case ErrorKind::clock_skew:
        case ErrorKind::conflict:
        case ErrorKind::integrity:
            return true;
        default:
            return false;
    }
}

}  // namespace

SegmentFetcher::SegmentFetcher(ArchiveView& view, const DecodeOptions& decoding, const std::string& spool)
    : view_(view), decoding_(decoding), connections_(view.size()) {
    if (!spool.empty()) spool_.emplace(spool);
}

ObjectStore& SegmentFetcher::connection(std::size_t index) {
    if (!connections_[index]) connections_[index] = view_.connect(index);
    return *connections_[index];
}

/// True when one of them was sound.
bool SegmentFetcher::read_copies(const WalName& name, const Look& look, const std::string& content,
                                 Attempt& attempt, const std::function<Sink&()>& open, const Say& say) {
    for (const std::size_t index : view_.order()) {
        for (const ObjectName& object : look.answers[index].objects) {
            if (object.fingerprint != content) continue;
            const std::string key = view_.keys(index).wal(object);
            try {
                read_object(connection(index), key, object, name, view_.system_identifier(), decoding_, open);
                view_.note_success(index);
                return true;
            } catch (const Error& error) {
                const bool damaged = error.kind() == ErrorKind::integrity;
                say("store " + view_.store(index).name + ": " + key + " cannot be used: " + error.message());
                if (!damaged) view_.note_failure(index);
                // Damage is what a person must hear of; an outage only when there is nothing else.
                if (!attempt.trouble || damaged) attempt.trouble = error;
                attempt.may_pass = attempt.may_pass || !is_permanent(error.kind());
            }
        }
    }
    return false;
}

std::string SegmentFetcher::later_in_spool(const WalName& name) {
    std::string first;
    if (name.kind != WalKind::segment) return first;
    for (const WalName& waiting : spool_->waiting(view_.system_identifier())) {
        if (waiting.kind != WalKind::segment || waiting.timeline != name.timeline ||
            waiting.text <= name.text)
            continue;
        if (first.empty() || waiting.text < first) first = waiting.text;
    }
    return first;
}

std::optional<std::string> SegmentFetcher::trusted_content(const WalName& name, const Look& look,
                                                           const Say& say) {
    const bool settled = std::any_of(look.answers.begin(), look.answers.end(),
                                     [](const StoreAnswer& answer) { return !answer.settled.empty(); });
    if (settled || decoding_.trusted_writers.empty()) return std::nullopt;
    std::vector<HeldObject> objects;
    for (std::size_t index = 0; index < look.answers.size(); ++index) {
        for (const ObjectName& object : look.answers[index].objects) {
            try {
                objects.push_back({&connection(index), view_.keys(index).wal(object), object});
            } catch (const Error&) {
                return std::nullopt;
            }
        }
    }
    const auto trusted = only_trusted(objects, name, view_.system_identifier(), view_.settings());
    if (!trusted) return std::nullopt;
    for (const std::string& other : trusted->others) say(other);
    return trusted->content;
}

Attempt SegmentFetcher::attempt(const WalName& name, bool fresh, ArchiveView::Time deadline,
                                const std::function<Sink&()>& open, const Say& say) {
    Attempt attempt;
    std::optional<MarkedSink> marked;
    const std::function<Sink&()> open_marked = [&]() -> Sink& { return marked.emplace(open()); };
    try {
        const std::uint64_t sysid = view_.system_identifier();
        SpoolCopy::Result spooled;
        if (spool_) spooled = spool_->fetch(sysid, name, {}, open_marked, say);
        if (spooled.fetched) {
            attempt.end = Attempt::End::fetched;
            return attempt;
        }
        if (spooled.trouble) say(spooled.trouble->message());
        Look look = view_.look(name, fresh, deadline);
        for (std::size_t i = 0; i < view_.size(); ++i) {
            if (!look.troubles[i]) continue;
            say(look.troubles[i]->message());
            attempt.unreachable.push_back(view_.store(i).name);
            attempt.trouble = look.troubles[i];
            attempt.may_pass = attempt.may_pass || !is_permanent(look.troubles[i]->kind());
        }
        std::vector<StoreAnswer> answers = look.answers;
        for (const StoreAnswer& answer : answers) {
            for (const std::string& line : answer.refused) say(line);
        }
        if (!spooled.disputed.empty()) {
            answers.push_back({true, {ObjectName{name.text, spooled.disputed, {}, {}, false}}, {}, {}, {}});
        } else if (spool_ && !spooled.trouble) {
            answers.push_back({true, {}, {}, {}, later_in_spool(name)});
        }
        const Verdict verdict = judge(name, answers, view_.asks_all());
        switch (verdict.kind) {
            case Verdict::Kind::found:
                if ((verdict.content == spooled.disputed &&
                     spool_->fetch(sysid, name, verdict.content, open_marked, say).fetched) ||
                    read_copies(name, look, verdict.content, attempt, open_marked, say)) {
                    attempt.end = Attempt::End::fetched;
                }
                break;
            case Verdict::Kind::absent:
                if (spooled.trouble) {
                    attempt.trouble = *spooled.trouble;
                    break;
                }
                attempt.end = Attempt::End::absent;
                break;
            case Verdict::Kind::gap:
                if (name.kind == WalKind::history && name.timeline <= own_timeline_) {
                    attempt.end = Attempt::End::absent;
                    break;
                }
                attempt.trouble = Error(
                    ErrorKind::integrity,
                    name.text + " is in no store that was asked, but " + verdict.detail + " is: a gap",
                    "recovery cannot go past it; look for the file in old pg_wal directories and copies of "
                    "the spool, or end the recovery before it");
                break;
            case Verdict::Kind::several:
                if (const auto content = trusted_content(name, look, say)) {
                    if (read_copies(name, look, *content, attempt, open_marked, say))
                        attempt.end = Attempt::End::fetched;
                    break;
                }
                attempt.trouble = Error(ErrorKind::conflict, verdict.detail,
                                        "`walferry settle " + name.text +
                                            " FINGERPRINT` on the archiving host says which one is right");
                break;
            case Verdict::Kind::unknown:
                break;
        }
    } catch (const SinkFailure& failure) {
        throw failure.error;
    } catch (const Error& error) {
        attempt.trouble = error;
        attempt.may_pass = !is_permanent(error.kind());
    }
    return attempt;
}

Attempt SegmentFetcher::persist(const WalName& name, ArchiveView::Time deadline,
                                const std::function<Sink&()>& open, const Say& say) {
    std::set<std::string> said;
    const Say say_once = [&](const std::string& line) {
        if (said.insert(line).second) say(line);
    };
    bool absent_before = false;
    milliseconds pause = first_pause;
    for (bool fresh = false;; fresh = true) {
        Attempt attempt = this->attempt(name, fresh, deadline, open, say_once);
        if (attempt.end == Attempt::End::fetched) return attempt;
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

}  // namespace walferry
