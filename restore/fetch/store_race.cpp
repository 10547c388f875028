#include "restore/fetch/store_race.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "archive/archive_view.hpp"
#include "archive/object_read.hpp"
#include "archive/segment_sinks.hpp"

namespace walferry::fetch {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds head_start{1000};
// A second transfer takes bandwidth from the first one, so the other store has to be clearly quicker.
constexpr double clearly_quicker = 2.0;

}  // namespace

struct StoreRace::Connection {
    std::stop_source stop;
    std::unique_ptr<ObjectStore> store;
};

/// What the runners for one file share.
struct StoreRace::Heat {
    std::mutex mutex;
    std::condition_variable changed;
};

struct StoreRace::Runner {
    StoredCopy copy;
    std::shared_ptr<Connection> connection;
    steady_clock::time_point began = steady_clock::now();
    std::atomic<std::uint64_t> received{0};
    std::atomic<bool> finished{false};  // may be joined without a wait
    // Under the heat's mutex.
    bool done = false;
    std::shared_ptr<Sink> sink;
    std::optional<Error> error, sink_error;
    std::jthread thread;

    milliseconds elapsed() const {
        return std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
    }
};

StoreRace::StoreRace(archive::ArchiveView& view, const DecodeOptions& decoding)
    : view_(view), decoding_(decoding), connections_(view.size()) {}

StoreRace::~StoreRace() {
    for (const auto& runner : stopped_) runner->connection->stop.request_stop();
}

ObjectStore& StoreRace::connection(std::size_t store) {
    auto& connection = connections_[store];
    if (!connection) {
        connection = std::make_shared<Connection>();
        connection->store = view_.connect(store, connection->stop.get_token());
    }
    return *connection->store;
}

std::shared_ptr<StoreRace::Runner> StoreRace::start(const WalName& name, const StoredCopy& copy,
                                                    const OpenSink& open, const std::shared_ptr<Heat>& heat) {
    auto runner = std::make_shared<Runner>();
    runner->copy = copy;
    (void)connection(copy.store);
    runner->connection = connections_[copy.store];
    Runner& own = *runner;
    const std::uint64_t sysid = view_.system_identifier();
    runner->thread = std::jthread([&own, heat, name, open, sysid, &decoding = decoding_] {
        std::optional<archive::MarkedSink> marked;
        std::optional<Error> error;
        std::optional<Error> sink_error;
        try {
            archive::read_object(
                *own.connection->store, own.copy.key, own.copy.object, name, sysid, decoding,
                [&]() -> Sink& { return marked.emplace(open()); }, &own.received);
        } catch (const archive::SinkFailure& failure) {
            sink_error = failure.error;
        } catch (const Error& failure) {
            error = failure;
        } catch (const std::exception& failure) {
            error = Error(ErrorKind::internal, failure.what());
        }
        const std::lock_guard lock(heat->mutex);
        own.error = error;
        own.sink_error = sink_error;
        if (!error && !sink_error) own.sink = marked->next();
        own.done = true;
        own.finished = true;
        heat->changed.notify_all();
    });
    return runner;
}

bool StoreRace::worth_a_second(const Runner& leader, const StoredCopy& other) const {
    const auto known = view_.rates().rate(other.store, steady_clock::now());
    const double now = static_cast<double>(leader.received.load()) /
                       std::max(1.0, static_cast<double>(leader.elapsed().count()) / 1000);
    return !known || *known > clearly_quicker * now;
}

/// What it received so far says how quick its store is. Its connection is given up with it.
void StoreRace::stop(const std::shared_ptr<Runner>& runner) {
    view_.rates().note(runner->copy.store, runner->received, runner->elapsed(), steady_clock::now());
    runner->connection->stop.request_stop();
    connections_[runner->copy.store].reset();
    stopped_.push_back(runner);
}

std::shared_ptr<Sink> StoreRace::read(const WalName& name, const std::vector<StoredCopy>& copies,
                                      const OpenSink& open, const Failed& failed) {
    std::vector<std::shared_ptr<Runner>> running;
    const auto heat = std::make_shared<Heat>();
    std::vector<StoredCopy> waiting(copies.rbegin(), copies.rend());  // the next one at the end
    const auto start_one = [&](std::vector<StoredCopy>::iterator which) {
        const StoredCopy copy = *which;
        waiting.erase(which);
        try {
            running.push_back(start(name, copy, open, heat));
        } catch (const Error& error) {
            failed(copy, error);
        }
    };
    for (;;) {
        while (running.empty() && !waiting.empty()) start_one(std::prev(waiting.end()));
        if (running.empty()) return nullptr;
        std::unique_lock lock(heat->mutex);
        const auto is_done = [](const auto& runner) { return runner->done; };
        const auto limit = running.back()->began + head_start;
        const auto any_done = [&] { return std::any_of(running.begin(), running.end(), is_done); };
        if (waiting.empty() || steady_clock::now() >= limit)
            heat->changed.wait_for(lock, head_start, any_done);
        else
            heat->changed.wait_until(lock, limit, any_done);
        const auto done = std::find_if(running.begin(), running.end(), is_done);
        lock.unlock();
        if (done == running.end()) {
            const auto idle = [&](const StoredCopy& copy) {
                return std::none_of(running.begin(), running.end(),
                                    [&](const auto& runner) { return runner->copy.store == copy.store; });
            };
            const auto other = std::find_if(waiting.rbegin(), waiting.rend(), idle);
            if (other != waiting.rend() && worth_a_second(*running.front(), *other))
                start_one(std::prev(other.base()));
            continue;
        }
        const std::shared_ptr<Runner> runner = *done;
        running.erase(done);
        runner->thread.join();
        if (runner->error) {
            failed(runner->copy, *runner->error);
            continue;
        }
        for (const auto& other : running) stop(other);
        std::erase_if(stopped_, [](const auto& one) { return one->finished.load(); });
        if (runner->sink_error) throw archive::SinkFailure{*runner->sink_error};
        view_.rates().note(runner->copy.store, runner->received, runner->elapsed(), steady_clock::now());
        view_.note_success(runner->copy.store);
        return runner->sink;
    }
}

}  // namespace walferry::fetch
