#include "uploader/drain/lane.hpp"

#include <algorithm>
#include <system_error>

#include "common/error.hpp"
#include "common/errors_only.hpp"
#include "common/store/retry.hpp"

namespace walferry::drain {
namespace {

using std::chrono::steady_clock;

// One listing and one durable commit for this many, but nobody waits for them longer than that.
constexpr std::size_t confirmation_batch = 32;
constexpr auto confirmation_delay = std::chrono::seconds(1);

}  // namespace

Lane::Lane(LaneContext context, std::size_t index, const StoreSettings& settings, std::int64_t store_id)
    : context_(std::move(context)),
      index_(index),
      settings_(settings),
      store_id_(store_id),
      breaker_(std::make_shared<Breaker>()) {}

void Lane::begin_pass(int senders) {
    {
        const std::lock_guard lock(mutex_);
        to_come_ = 0;
        open_ = true;
    }
    connections_.resize(std::max(connections_.size(), static_cast<std::size_t>(senders)));
    try {
        for (std::size_t i = 0; i < static_cast<std::size_t>(senders); ++i)
            senders_.emplace_back([this, i] { run_sender(i); });
    } catch (const std::system_error& error) {
        // One sender sends everything, only slower.
        if (senders_.empty())
            give_up(std::string("no thread to send with: ") + error.what() +
                    "; hint: is there a limit on processes (ulimit -u)?");
    }
}

void Lane::expect(std::size_t tasks) {
    const std::lock_guard lock(mutex_);
    to_come_ += tasks;
}

void Lane::offer(Encoding encoding) {
    const std::lock_guard lock(mutex_);
    --to_come_;
    if (down_) {
        encoding.task->needs[index_] = Need::later;
    } else {
        queue_.push_back(std::move(encoding));
    }
    changed_.notify_all();
}

void Lane::skip() {
    const std::lock_guard lock(mutex_);
    --to_come_;
    changed_.notify_all();
}

void Lane::end_pass() {
    {
        const std::lock_guard lock(mutex_);
        open_ = false;
        changed_.notify_all();
    }
    senders_.clear();
    // Only after a request to stop is anything left here.
    queue_.clear();
    unconfirmed_.clear();
    to_come_ = 0;
}

bool Lane::nothing_under_way() const {
    return to_come_ == 0 && queue_.empty() && sending_ == 0 && unconfirmed_.empty() && !confirming_;
}

bool Lane::idle() const {
    const std::lock_guard lock(mutex_);
    return nothing_under_way();
}

bool Lane::usable() const {
    const std::lock_guard lock(mutex_);
    return !down_;
}

bool Lane::starving() const {
    const std::lock_guard lock(mutex_);
    return !down_ && queue_.empty() && to_come_ > 0;
}

bool Lane::drop_newest() {
    Encoding dropped{};
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    dropped = std::move(queue_.back());
    queue_.pop_back();
    dropped.task->needs[index_] = Need::later;
    return true;
}

std::optional<std::chrono::milliseconds> Lane::until_retry() const {
    const std::lock_guard lock(mutex_);
    if (!down_) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(retry_at_ - steady_clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

void Lane::revive(const std::set<std::int64_t>& not_due) {
    const std::lock_guard lock(mutex_);
    if (down_) {
        failed_.clear();
    } else {
        std::erase_if(failed_, [&](std::int64_t segment) { return !not_due.contains(segment); });
    }
    breaker_->reset();
    down_ = false;
    failures_in_a_row_ = 0;
}

bool Lane::failed(std::int64_t segment) const {
    const std::lock_guard lock(mutex_);
    return failed_.contains(segment);
}

Lane::View Lane::view() const {
    const std::lock_guard lock(mutex_);
    return {queue_.size() + sending_ + unconfirmed_.size() + to_come_, verified_, down_, last_error_};
}

ObjectKeys Lane::keys(const Task& task) const {
    return {settings_.prefix, context_.cluster, task.file.system_identifier};
}

ObjectStore& Lane::connection(std::size_t sender) {
    if (!connections_[sender])
        connections_[sender] = open_store(settings_, StoreAccess::write, breaker_, context_.stop);
    return *connections_[sender];
}

bool Lane::confirmation_due(steady_clock::time_point now) const {
    if (unconfirmed_.empty() || confirming_) return false;
    const bool nothing_else = queue_.empty() && sending_ == 0 && (to_come_ == 0 || down_);
    return nothing_else || unconfirmed_.size() >= confirmation_batch ||
           now - oldest_unconfirmed_ >= confirmation_delay;
}

void Lane::run_sender(std::size_t sender) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (context_.stop.stop_requested()) return;
        if (confirmation_due(steady_clock::now())) {
            std::vector<Sent> batch = std::exchange(unconfirmed_, {});
            confirming_ = true;
            lock.unlock();
            try {
                errors_only([&] { confirm(connection(sender), std::move(batch)); });
            } catch (const Error& error) {
                give_up(error.what());
            }
            lock.lock();
            confirming_ = false;
            changed_.notify_all();
        } else if (!queue_.empty()) {
            Encoding encoding = std::move(queue_.front());
            queue_.pop_front();
            ++sending_;
            lock.unlock();
            context_.memory.wake();
            try {
                errors_only([&] { send(connection(sender), encoding); });
            } catch (const Error& error) {
                failed_attempt(*encoding.task, error);
            }
            encoding.object.reset();
            lock.lock();
            --sending_;
            changed_.notify_all();
        } else if (!open_ && nothing_under_way()) {
            return;
        } else {
            // Woken by work; the time is for a confirmation that falls due without any.
            changed_.wait_for(lock, context_.stop, std::chrono::milliseconds(250), [&] {
                return !queue_.empty() || confirmation_due(steady_clock::now()) ||
                       (!open_ && nothing_under_way());
            });
        }
    }
}

}  // namespace walferry::drain
