#include "maintenance/expire/remover.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <thread>

#include "common/error.hpp"

namespace walferry::expire {

Remover::Remover(std::function<std::unique_ptr<ObjectStore>()> open, const std::string& root, int connections,
                 std::stop_token stop)
    : open_(std::move(open)),
      most_connections_(static_cast<std::size_t>(std::max(connections, 1))),
      stop_(std::move(stop)) {
    connections_.push_back(open_());
    const VersionPage page = store().list_versions(root, {}, {});
    versions_ = std::any_of(page.versions.begin(), page.versions.end(),
                            [](const ObjectVersion& version) { return !version.id.empty(); });
}

bool Remover::remove(const std::string& key, std::uint64_t size) {
    return remove(store(), key, size);
}

bool Remover::remove(ObjectStore& store, const std::string& key, std::uint64_t size) {
    if (lets_nothing_go()) {
        const std::lock_guard lock(mutex_);
        ++locked.objects;
        locked.bytes += size;
        return false;
    }
    try {
        const std::uint64_t bytes = versions_ ? remove_versions(store, key) : size;
        if (!versions_) store.remove(key);
        const std::lock_guard lock(mutex_);
        ++removed.objects;
        removed.bytes += bytes;
        return true;
    } catch (const Error& error) {
        // Object Lock, or keys that may put and not delete: a state, which another day may end.
        if (error.kind() != ErrorKind::denied) throw;
        const std::lock_guard lock(mutex_);
        ++locked.objects;
        locked.bytes += size;
        if (locked_why.empty()) locked_why = error.message();
        return false;
    }
}

/// Asked often enough: the rest is not tried this time.
bool Remover::lets_nothing_go() {
    constexpr std::uint64_t often = 100;
    const std::lock_guard lock(mutex_);
    return locked.objects >= often && removed.objects == 0;
}

/// The latest first: killed in between, an earlier one shows the object again, and the next run goes on.
std::uint64_t Remover::remove_versions(ObjectStore& store, const std::string& key) {
    std::vector<ObjectVersion> versions;
    VersionPage page;
    do {
        page = store.list_versions(key, page.next_key, page.next_id);
        for (ObjectVersion& version : page.versions) {
            if (version.key == key) versions.push_back(std::move(version));
        }
    } while (page.more);
    std::stable_sort(versions.begin(), versions.end(),
                     [](const ObjectVersion& a, const ObjectVersion& b) { return a.latest && !b.latest; });
    std::uint64_t bytes = 0;
    for (const ObjectVersion& version : versions) {
        store.remove_version(key, version.id);
        bytes += version.size;
    }
    return bytes;
}

void Remover::remove_all(const std::vector<std::pair<std::string, std::uint64_t>>& objects) {
    const std::size_t workers = std::min(most_connections_, objects.size());
    while (connections_.size() < workers) connections_.push_back(open_());
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> failed = false;
    std::exception_ptr problem;
    const auto work = [&](ObjectStore& connection) {
        try {
            for (std::size_t i = next++; i < objects.size() && !failed; i = next++) {
                if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
                remove(connection, objects[i].first, objects[i].second);
            }
        } catch (...) {
            failed = true;
            const std::lock_guard lock(mutex_);
            if (!problem) problem = std::current_exception();
        }
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers; ++i)
        threads.emplace_back([&work, &connection = *connections_[i]] { work(connection); });
    if (workers > 0) work(*connections_.front());
    threads.clear();
    if (problem) std::rethrow_exception(problem);
}

}  // namespace walferry::expire
