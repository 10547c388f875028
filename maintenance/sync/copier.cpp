#include "maintenance/sync/copier.hpp"

#include <algorithm>
#include <utility>

#include "common/exit_code.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::sync {
namespace {

constexpr std::size_t most_queued = 1000;

}  // namespace

Copier::Copier(std::vector<Way> ways, Options options)
    : ways_(std::move(ways)),
      options_(std::move(options)),
      memory_({options_.memory}),
      asked_(options_.stop, [this] { stop_.request_stop(); }) {
    for (int i = 0; i < options_.workers; ++i)
        workers_.emplace_back([this](const std::stop_token& ended) { work(ended); });
}

Copier::~Copier() {
    stop_.request_stop();
    for (std::jthread& worker : workers_) worker.request_stop();
    memory_.close();
    workers_.clear();
}

bool Copier::bring(Missing missing) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.ended || queue_.size() < most_queued; });
    if (done_.ended) return false;
    queue_.push_back(std::move(missing));
    changed_.notify_all();
    return true;
}

void Copier::settle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.empty() && under_way_ == 0; });
}

bool Copier::lacks_part(const std::string& backup) const {
    const std::lock_guard lock(mutex_);
    return lacking_.contains(backup);
}

Amount Copier::brought() const {
    const std::lock_guard lock(mutex_);
    return done_.brought;
}

Copier::Done Copier::done() const {
    const std::lock_guard lock(mutex_);
    return done_;
}

void Copier::work(const std::stop_token& ended) {
    std::vector<std::unique_ptr<ObjectStore>> connections(ways_.size());
    for (;;) {
        Missing missing;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, ended, [&] { return !queue_.empty(); })) return;
            missing = std::move(queue_.front());
            queue_.pop_front();
            ++under_way_;
            changed_.notify_all();
        }
        try {
            copy(connections, missing, ended);
        } catch (const Error& error) {
            end(error);
        } catch (const std::exception& error) {
            end(Error(ErrorKind::internal, error.what()));
        }
        const std::lock_guard lock(mutex_);
        --under_way_;
        changed_.notify_all();
    }
}

ObjectStore& Copier::connection(std::vector<std::unique_ptr<ObjectStore>>& connections, std::size_t place) {
    if (!connections[place]) connections[place] = ways_[place].open(stop_.get_token());
    return *connections[place];
}

/// From the first store that has it sound. nullptr where none has, which is noted.
std::unique_ptr<transfer::FetchedObject> Copier::fetch(std::vector<std::unique_ptr<ObjectStore>>& connections,
                                                       const Missing& missing, const std::stop_token& ended) {
    std::string damaged, failed;
    const auto add = [](std::string& text, const std::string& more) {
        text += (text.empty() ? "" : "; ") + more;
    };
    for (const std::size_t place : missing.sources) {
        const Way& way = ways_[place];
        try {
            auto share =
                memory_.take(std::min<std::uint64_t>(missing.size, ObjectBuffer::memory_limit), ended);
            if (!share) throw Error(ErrorKind::interrupted, "stopped on request");
            return transfer::fetch_object(connection(connections, place), way.root + missing.tail,
                                          missing.sha256, memory_, std::move(share), options_.work_dir);
        } catch (const Error& error) {
            const Scope scope = traits(error.kind()).scope;
            if (scope == Scope::host || scope == Scope::work) throw;
            if (error.kind() == ErrorKind::integrity)
                add(damaged, "in " + way.name + ": " + error.message());
            else
                add(failed, "store " + way.name + ": " + error.message());
        }
    }
    if (failed.empty())
        fail(missing, done_.damaged, missing.tail + " is sound in no store that has it (" + damaged + ")");
    else
        fail(missing, done_.failed,
             missing.tail + " could not be read (" + failed + (damaged.empty() ? "" : "; " + damaged) + ")");
    return nullptr;
}

void Copier::copy(std::vector<std::unique_ptr<ObjectStore>>& connections, const Missing& missing,
                  const std::stop_token& ended) {
    const auto object = fetch(connections, missing, ended);
    if (!object) return;
    const Way& way = ways_.front();
    const std::string key = way.root + missing.tail;
    try {
        transfer::put_verified(connection(connections, 0), object->at(key),
                               {"store " + way.name + ": " + key, "run it again", stop_.get_token(), 2});
    } catch (const Error& error) {
        if (traits(error.kind()).scope != Scope::object) throw;  // it concerns every other object as well
        fail(missing, error.kind() == ErrorKind::integrity ? done_.damaged : done_.failed, error.what());
        return;
    }
    const std::lock_guard lock(mutex_);
    done_.brought.add(missing.size);
    if (options_.brought) options_.brought(missing);
}

void Copier::fail(const Missing& missing, std::vector<std::string>& list, const std::string& line) {
    const std::lock_guard lock(mutex_);
    list.push_back(line);
    if (!missing.backup.empty()) lacking_.insert(missing.backup);
}

void Copier::end(const Error& why) {
    {
        const std::lock_guard lock(mutex_);
        if (!done_.ended) done_.ended = why;
        queue_.clear();
        changed_.notify_all();
    }
    stop_.request_stop();
    memory_.close();
}

}  // namespace walferry::sync
