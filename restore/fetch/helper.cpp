#include "restore/fetch/helper.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/error.hpp"

namespace walferry::fetch {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds idle_limit{60'000};
constexpr milliseconds patience_for_a_segment{25'000};
// A standby is told within five seconds that there is nothing.
constexpr milliseconds patience_of_a_standby{4000};
// How long a segment is kept for the caller that did not wait for it.
constexpr std::chrono::minutes kept_for{10};
constexpr milliseconds time_between_signs_of_life{5000};
// Past the end of the archive, one look serves all who ask within this time.
constexpr milliseconds absence_holds{1000};
constexpr milliseconds absence_is_remembered{60'000};
constexpr milliseconds pause_between_proofs{300};
constexpr milliseconds time_between_probes{2000};
constexpr milliseconds rest_when_disk_is_full{30'000};
// What is left to the server when segments are fetched ahead.
constexpr std::uint64_t segments_left_free = 4;
constexpr milliseconds patience_for_a_request{1000};

mode_t mode_of_files(const Directory& directory) {
    return (os::status(directory.get(), directory.path).st_mode & S_IXGRP) != 0 ? 0640 : 0600;
}

Fd watch(std::optional<pid_t> process) {
    return process ? Fd(static_cast<int>(::syscall(SYS_pidfd_open, *process, 0))) : Fd();
}

/// A new file for each try, into which a segment is written.
class UnnamedFile : public Sink {
  public:
    UnnamedFile(const Directory& directory, mode_t mode) : directory_(directory), mode_(mode) { restart(); }
    void restart() {
        file_.reset();
        file_ = std::make_unique<DurableFile>(directory_, directory_, "walferry-fetch", mode_);
    }
    void write(Bytes bytes) override { file_->write(bytes); }
    void finish() override { file_->sync(); }
    std::uint64_t size() const { return file_->written(); }
    Fd release() { return file_->release(); }

  private:
    const Directory& directory_;
    const mode_t mode_;
    std::unique_ptr<DurableFile> file_;
};

}  // namespace

FetchHelper::FetchHelper(const Settings& settings, const archive::ViewOptions& options,
                         const DecodeOptions& decoding, HelperPlace place)
    : settings_(settings),
      view_(settings, options),
      decoding_(decoding),
      directory_(std::move(place.directory)),
      way_(directory_, place.data_directory,
           place.context.asker == Asker::recovery ? RecoveryWay::Unknown::refused
                                                  : RecoveryWay::Unknown::newest),
      context_{place.context.asker, place.context.spool, &way_, true},
      listening_(std::move(place.listening)),
      server_(watch(place.server)),
      mode_(mode_of_files(directory_)),
      asked_at_(steady_clock::now()) {
    // Only where files need a name while they are written can a killed helper have left one.
    (void)remove_stale_tmp(directory_);
    const int workers = std::clamp(settings.jobs, 1, std::max(1, settings.prefetch));
    for (int i = 0; i < workers; ++i) {
        workers_.emplace_back([this] {
            try {
                work();
            } catch (...) {
                // Without memory there is nothing to say; whoever waits sees the connection end.
                ::_exit(1);
            }
        });
    }
}

FetchHelper::~FetchHelper() {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
    changed_.notify_all();
}

/// Under the lock. Whoever calls from now on finds nobody.
void FetchHelper::leave() {
    leaving_ = true;
    (void)::shutdown(listening_.get(), SHUT_RDWR);
}

void FetchHelper::serve() {
    std::array<pollfd, 2> events{pollfd{listening_.get(), POLLIN, 0}, pollfd{server_.get(), POLLIN, 0}};
    for (;;) {
        const int ready =
            ::poll(events.data(), events.size(), static_cast<int>(time_between_signs_of_life.count()));
        if (ready > 0 && events[1].revents != 0) return;
        if (ready > 0 && events[0].revents != 0) take_request(fetch_channel::accept_from(listening_.get()));
        const std::lock_guard lock(mutex_);
        say_working();
        const bool nobody_asks = steady_clock::now() - asked_at_ > idle_limit;
        if ((nobody_asks || stale_) && !is_busy()) leave();
        if (leaving_) return;
    }
}

/// To each caller that waits, at the latest when the time for it has come; those that have gone are
/// forgotten.
void FetchHelper::say_working() {
    const Time now = steady_clock::now();
    if (now - said_working_ < time_between_signs_of_life) return;
    said_working_ = now;
    for (auto& [name, slot] : slots_) {
        std::erase_if(slot.callers, [](const Fd& caller) {
            return !fetch_channel::send_reply(caller.get(), {fetch_channel::Answer::working, {}, {}});
        });
    }
}

/// Whether the caller will come back for it.
bool FetchHelper::is_kept(const Slot& slot) const {
    return slot.asked && slot.state == Slot::State::ready &&
           steady_clock::now() - slot.ready_since < kept_for;
}

bool FetchHelper::is_busy() {
    return std::any_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
        const Slot& slot = entry.second;
        return !slot.callers.empty() || is_kept(slot) || (slot.asked && slot.state != Slot::State::ready);
    });
}

void FetchHelper::answer_all(Slot& slot, fetch_channel::Answer answer, const std::string& said) {
    for (const Fd& caller : slot.callers) (void)fetch_channel::send_reply(caller.get(), {answer, said, {}});
}

void FetchHelper::take_request(Fd caller) {
    if (!caller) return;
    pollfd input{caller.get(), POLLIN, 0};
    if (::poll(&input, 1, static_cast<int>(patience_for_a_request.count())) <= 0) return;
    const auto request = fetch_channel::receive_request(caller.get());
    if (!request) return;
    const WalName name = *WalName::parse(request->name);
    std::optional<std::uint64_t> cut;
    try {
        // Each time: the server may have chosen a newer timeline since the segment was fetched.
        cut = way_.leaves_at(name);
    } catch (const Error&) {
        (void)fetch_channel::send_reply(caller.get(), {fetch_channel::Answer::failed, {}, {}});
        return;
    }

    const std::lock_guard lock(mutex_);
    asked_at_ = steady_clock::now();
    if (const auto seen = absences_.find(name.text);
        context_.asker != Asker::recovery && name.kind == WalKind::segment && seen != absences_.end() &&
        steady_clock::now() - seen->second.last < absence_holds) {
        (void)fetch_channel::send_reply(caller.get(), {fetch_channel::Answer::absent, {}, {}});
        return;
    }
    Slot& slot = slots_[name.text];
    slot.asked = true;
    if (cut && slot.cut != cut && slot.state == Slot::State::ready) {
        slot.state = Slot::State::queued;
        slot.file.reset();
    }
    if (cut) slot.cut = cut;
    slot.callers.push_back(std::move(caller));
    if (slot.state == Slot::State::ready) hand_over(name, slot);
    changed_.notify_all();
}

/// Of a slot that is ready, to the first caller that is still there; then it is gone.
void FetchHelper::hand_over(const WalName& name, Slot& slot) {
    fetch_channel::Reply reply{fetch_channel::Answer::fetched, slot.said, std::move(slot.file)};
    const bool taken = std::any_of(slot.callers.begin(), slot.callers.end(), [&](const Fd& caller) {
        return fetch_channel::send_reply(caller.get(), reply);
    });
    if (!taken) {
        slot.callers.clear();
        slot.file = std::move(reply.file);
        return;
    }
    slots_.erase(name.text);
    if (name.kind != WalKind::segment) return;
    position_ = name;
    plan();
}

std::size_t FetchHelper::reach() const {
    if (segment_size_ == 0) return 0;
    return static_cast<std::size_t>(
        std::min(static_cast<std::uint64_t>(settings_.prefetch), settings_.prefetch_size / segment_size_));
}

bool FetchHelper::has_room() const {
    if (steady_clock::now() < room_short_until_) return false;
    struct statvfs disk {};
    if (::fstatvfs(directory_.get(), &disk) != 0) return true;
    const std::uint64_t waiting =
        static_cast<std::uint64_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) {
            return slot.second.state != Slot::State::ready;
        }));
    return disk.f_bavail * disk.f_frsize >= (waiting + 1 + segments_left_free) * segment_size_;
}

/// What comes after the position is fetched; what was fetched for another position is let go.
void FetchHelper::plan() {
    if (!position_ || segment_size_ == 0) return;
    const auto start = position_->start_lsn(segment_size_);
    if (!start) return;
    std::vector<WalName> next;
    for (std::size_t i = 1; i <= reach(); ++i)
        next.push_back(WalName::segment_at(position_->timeline, *start + i * segment_size_, segment_size_));
    std::erase_if(slots_, [&](const auto& slot) {
        const bool wanted = std::any_of(next.begin(), next.end(),
                                        [&](const WalName& name) { return name.text == slot.first; });
        return !wanted && slot.second.callers.empty() && slot.second.state != Slot::State::running &&
               !is_kept(slot.second);
    });
    const SpoolCopy spool(context_.spool);
    for (const WalName& name : next) {
        if (slots_.contains(name.text)) continue;
        if (!has_room()) return;
        const bool there = view_.knows(name) || (!context_.spool.empty() && settings_.prefetch > 0 &&
                                                 spool.has(view_.system_identifier(), name));
        if (there) {
            queue_next(name);
            continue;
        }
        // It may have been archived since the stores were listed; one look at a time finds out.
        const Time now = steady_clock::now();
        if (probed_ != name.text || now - probed_at_ > time_between_probes) {
            probed_ = name.text;
            probed_at_ = now;
            queue_next(name);
        }
        return;
    }
}

void FetchHelper::queue_next(const WalName& name) {
    slots_[name.text].state = Slot::State::queued;
    changed_.notify_all();
}

/// Somebody waits for it, else the next one.
std::optional<std::string> FetchHelper::next_queued() const {
    std::optional<std::string> first;
    for (const auto& [name, slot] : slots_) {
        if (slot.state != Slot::State::queued) continue;
        if (!slot.callers.empty()) return name;
        if (!first) first = name;
    }
    return first;
}

void FetchHelper::work() {
    SegmentFetcher fetcher(view_, decoding_, context_);
    std::unique_lock lock(mutex_);
    for (;;) {
        std::optional<std::string> name;
        changed_.wait(lock, [&] { return leaving_ || (name = next_queued()); });
        if (leaving_) return;
        fetch(*name, fetcher, lock);
    }
}

void FetchHelper::fetch(const std::string& name, SegmentFetcher& fetcher,
                        std::unique_lock<std::mutex>& lock) {
    slots_[name].state = Slot::State::running;
    lock.unlock();
    Attempt attempt;
    Fd file;
    std::uint64_t size = 0;
    std::string said;
    bool disk_full = false;
    try {
        const auto patience =
            context_.asker == Asker::recovery ? patience_for_a_segment : patience_of_a_standby;
        attempt = fetcher.attempt(
            *WalName::parse(name), false, steady_clock::now() + patience,
            [this] { return std::make_shared<UnnamedFile>(directory_, mode_); },
            [&](const std::string& line) { said += one_line(line) + "\n"; });
        if (attempt.end == Attempt::End::fetched) {
            const auto segment = std::static_pointer_cast<UnnamedFile>(attempt.file);
            size = segment->size();
            file = segment->release();
        }
    } catch (const Error& error) {
        attempt = {};
        disk_full = error.kind() == ErrorKind::no_space;
        attempt.trouble = error;
    } catch (const std::exception& error) {
        attempt = {};
        attempt.trouble = Error(ErrorKind::internal, error.what());
    }
    lock.lock();
    if (disk_full) {
        // What was fetched ahead may be what fills it.
        room_short_until_ = steady_clock::now() + rest_when_disk_is_full;
        std::erase_if(slots_, [](const auto& slot) {
            return slot.second.callers.empty() && slot.second.state != Slot::State::running;
        });
    }
    if (size != 0 && WalName::parse(name)->kind == WalKind::segment) segment_size_ = size;
    finished(name, attempt, std::move(file), said);
}

/// Whether it was looked for and not found before, recently, but not just now: listings may lag.
bool FetchHelper::note_absence(const std::string& name) {
    const Time now = steady_clock::now();
    std::erase_if(absences_,
                  [&](const auto& seen) { return now - seen.second.last > absence_is_remembered; });
    const auto [seen, is_new] = absences_.try_emplace(name, Absence{now, now});
    seen->second.last = now;
    return !is_new && now - seen->second.first >= pause_between_proofs;
}

void FetchHelper::finished(const std::string& name, const Attempt& attempt, Fd file, std::string said) {
    using fetch_channel::Answer;
    Slot& slot = slots_[name];
    const WalName parsed = *WalName::parse(name);
    if (attempt.end == Attempt::End::fetched && slot.cut && attempt.cut != slot.cut) {
        // It was under way when the server chose a newer timeline.
        queue_next(parsed);
        return;
    }
    if (attempt.end == Attempt::End::fetched) {
        absences_.erase(name);
        slot.state = Slot::State::ready;
        slot.ready_since = steady_clock::now();
        slot.cut = attempt.cut;
        slot.file = std::move(file);
        slot.said = std::move(said);
        if (!slot.callers.empty())
            hand_over(parsed, slot);
        else
            plan();
        return;
    }
    const bool absent = attempt.end == Attempt::End::absent;
    const bool proven = absent && note_absence(name);
    const bool strictly = context_.asker == Asker::recovery ||
                          (context_.asker == Asker::strict_standby && parsed.kind == WalKind::history);
    if (strictly) {
        answer_all(slot, proven && context_.asker != Asker::recovery ? Answer::absent : Answer::failed, {});
    } else if (absent) {
        answer_all(slot, Answer::absent, said);
    } else {
        if (attempt.trouble) said += one_line(name + ": " + attempt.trouble->message()) + "\n";
        answer_all(slot, Answer::unavailable, said);
    }
    // Keys may have changed, or anything else that a new helper reads again.
    if (!absent && !slot.callers.empty() && (context_.asker == Asker::recovery || !attempt.may_pass))
        stale_ = true;
    slots_.erase(name);
    changed_.notify_all();
}

}  // namespace walferry::fetch
