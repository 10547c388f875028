#include <algorithm>
#include <bit>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/store/retry.hpp"
#include "console/exit_code.hpp"
#include "transfer/put_verified.hpp"
#include "uploader/drain/confirmation.hpp"
#include "uploader/drain/lane.hpp"
#include "uploader/drain/next_attempt.hpp"

// A lane's dealings with its store; what waits for them is in lane.cpp.
namespace walferry::drain {
namespace {

using std::chrono::steady_clock;

// Whatever the reason: a store that refuses one segment after the other is not asked about all of them.
constexpr int failures_to_give_up = 5;

// What the next segment would meet as well. What may pass with the next request is the circuit breaker's to
// judge.
bool concerns_whole_store(ErrorKind kind) noexcept {
    const ErrorTraits& meaning = traits(kind);
    if (meaning.scope == Scope::store) return !meaning.retryable();
    return meaning.scope == Scope::ledger || meaning.scope == Scope::host;
}

// An object that is listed and cannot be had (a stale index entry, an archive tier, lost rights to this one)
// must not keep a fresh copy from being sent.
bool concerns_one_object(ErrorKind kind) noexcept {
    return traits(kind).scope == Scope::object || kind == ErrorKind::denied;
}

// A store from which nothing comes back whole would be given one more copy with every run, for as long as
// that lasts: three are sent without hesitation, then one each time that the number of attempts has doubled.
std::size_t copies_worth_sending(int attempts) noexcept {
    return std::max<std::size_t>(3,
                                 static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(attempts))));
}

constexpr const char* look_into_the_store = "if this goes on, look into the store, and at proxies on the way";

}  // namespace

// The ledger may have been written by another member of the group, and the recipients may have changed since.
bool Lane::could_be_encoding_of(const Task& task, const ObjectName& fresh,
                                const VerifiedObject& recorded) const {
    const std::string directory = keys(task).wal_directory(task.file.name.text);
    if (!recorded.key.starts_with(directory)) return false;
    const auto name = ObjectName::parse(std::string_view(recorded.key).substr(directory.size()));
    return name && name->stem() == fresh.stem() && recorded.sha256.size() == 64 &&
           recorded.sha256.starts_with(name->sha256);
}

void Lane::send(ObjectStore& store, const Encoding& encoding) {
    Task& task = *encoding.task;
    const bool further_attempt = task.attempts[index_] > 0;
    std::optional<VerifiedObject> object;
    if (further_attempt) {
        context_.ledger.begin_attempt(task.segment, store_id_);
        object = find_own(store, encoding);
    }
    if (!object) {
        const transfer::EncodedObject& fresh = *encoding.object;
        object = VerifiedObject{task.segment, keys(task).wal(fresh.name), fresh.body.size(),
                                hex(fresh.digest.sha256)};
        context_.ledger.begin_put(store_id_, *object, further_attempt);
        transfer::Sending sending{"store " + settings_.name + ": " + object->key,
                                  "a fresh copy follows with the next run", context_.stop};
        sending.taken = [&] { context_.ledger.stored(store_id_, *object, wall_now()); };
        transfer::put_verified(store, fresh.at(object->key), sending);
    }
    succeeded();
    const std::lock_guard lock(mutex_);
    if (unconfirmed_.empty()) oldest_unconfirmed_ = steady_clock::now();
    unconfirmed_.push_back({&task, std::move(*object)});
}

void Lane::succeeded() {
    bool was_away = false;
    {
        const std::lock_guard lock(mutex_);
        failures_in_a_row_ = 0;
        was_away = std::exchange(given_up_in_a_row_, 0) > 0;
        if (was_away) last_error_.clear();
    }
    if (was_away)
        context_.outcome.report(console::exit_code::done, "store " + settings_.name + " works again");
}

// An earlier attempt may have stored its object without us hearing of it. Only the key that was written down
// before that put is asked for: an object that lies under a right name may be anyone's, and its hash proves
// nothing but that the one who named it had its bytes.
std::optional<VerifiedObject> Lane::find_own(ObjectStore& store, const Encoding& encoding) {
    const Task& task = *encoding.task;
    const auto own = context_.ledger.own_put(task.segment, store_id_);
    if (!own || !could_be_encoding_of(task, encoding.object->name, own->object)) return std::nullopt;
    const std::string shown = "store " + settings_.name + ": " + own->object.key;
    std::optional<Error> useless;
    try {
        const ReadBack seen = read_back(store, own->object.key, own->object.size);
        if (seen.sha256 == own->object.sha256 && seen.size == own->object.size) return own->object;
        useless.emplace(ErrorKind::integrity, shown + " is damaged: its bytes do not hash to its name",
                        look_into_the_store);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return std::nullopt;
        if (!concerns_one_object(error.kind())) throw;
        useless.emplace(error);
    }
    if (static_cast<std::size_t>(own->copies) >= copies_worth_sending(task.attempts[index_])) throw *useless;
    context_.outcome.report(
        useless->kind() == ErrorKind::integrity ? console::exit_code::integrity : console::exit_code::done,
        useless->message() + "; it does not count, a fresh copy is sent");
    return std::nullopt;
}

void Lane::confirm(ObjectStore& store, std::vector<Sent> batch) {
    try {
        std::vector<NamedContent> sent;
        std::vector<VerifiedObject> objects;
        for (const Sent& item : batch) {
            sent.push_back({item.task->segment, item.task->file.system_identifier, item.task->file.name.text,
                            item.task->fingerprint});
            objects.push_back(item.object);
        }
        const auto found = find_conflicts(store, settings_.prefix, context_.cluster, std::move(sent));
        std::vector<NewConflict> conflicts;
        for (const FoundConflict& conflict : found) {
            conflicts.push_back({conflict.segment, store_id_, conflict.ours, conflict.theirs});
        }
        // What they are is said when the pass has ended: see judge_conflicts().
        context_.ledger.verified(store_id_, objects, conflicts, wall_now());
    } catch (const Error& error) {
        // One failure of the store's, however many segments it concerns.
        for (const Sent& item : batch) failed_attempt(*item.task, error, &item == &batch.front());
        return;
    }
    for (const Sent& item : batch) {
        item.task->needs[index_] = Need::nothing;
        ++context_.outcome.verified_uploads;
    }
    {
        const std::lock_guard lock(mutex_);
        verified_ += batch.size();
    }
    for (const Sent& item : batch)
        remove_if_done(context_.ledger, context_.spool, context_.outcome, *item.task);
}

void Lane::failed_attempt(Task& task, const Error& error, bool counts) {
    task.needs[index_] = Need::later;
    if (error.kind() == ErrorKind::interrupted) return;
    bool hopeless = false;
    {
        const std::lock_guard lock(mutex_);
        failed_.insert(task.segment);
        last_error_ = error.what();
        // A conflict says nothing about the store: another content has the name, the next segment may go
        // through.
        if (counts && error.kind() != ErrorKind::conflict) ++failures_in_a_row_;
        hopeless = failures_in_a_row_ >= failures_to_give_up;
    }
    const bool mismatch = error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::conflict;
    const bool setting = error.kind() == ErrorKind::config || error.kind() == ErrorKind::usage;
    context_.outcome.report(mismatch  ? console::exit_code::integrity
                            : setting ? console::exit_code::usage
                                      : console::exit_code::incomplete,
                            error.what());
    if (traits(error.kind()).scope != Scope::ledger) {
        try {
            context_.ledger.attempt_failed(task.segment, store_id_, error.what(),
                                           next_attempt(task.attempts[index_] + 1, wall_now()));
        } catch (const Error& ledger) {
            context_.outcome.report(console::exit_code::failed, ledger.what());
        }
    }
    if (hopeless || breaker_->state() == Breaker::State::open || concerns_whole_store(error.kind()))
        give_up(error.what());
}

void Lane::give_up(const std::string& reason) {
    std::deque<Encoding> dropped;
    {
        const std::lock_guard lock(mutex_);
        if (down_) return;
        down_ = true;
        retry_at_ = steady_clock::now() + store_backoff(++given_up_in_a_row_);
        last_error_ = reason;
        dropped.swap(queue_);
        for (const Encoding& encoding : dropped) encoding.task->needs[index_] = Need::later;
        changed_.notify_all();
    }
    context_.outcome.report(
        console::exit_code::incomplete,
        "store " + settings_.name +
            (context_.goes_on ? " is left alone for a while and tried again" : " is left for the next run") +
            "; what it lacks stays in the spool, and the other stores go on");
    dropped.clear();
    context_.memory.wake();
}

}  // namespace walferry::drain
