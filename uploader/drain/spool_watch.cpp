#include "uploader/drain/spool_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/os/os.hpp"
#include "common/wal/pg_control.hpp"

namespace walferry::drain {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Pushes come in bursts, and each records its segment a few milliseconds after linking it.
constexpr milliseconds settling{100};
constexpr milliseconds longest_settling{300};
constexpr milliseconds polling{1000};

constexpr std::uint32_t appearing = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW;

}  // namespace

SpoolWatch::SpoolWatch(const SpoolPaths& spool)
    : spool_(spool), events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    if (!wake_) throw_errno(errno, "make an event descriptor");
    if (events_) ready_ = ::inotify_add_watch(events_.get(), spool_.ready().c_str(), appearing);
    if (ready_ < 0) {
        give_up("watch " + spool_.ready());
    } else {
        watch_clusters();
    }
}

void SpoolWatch::give_up(const std::string& why) {
    trouble_ = "cannot " + why + ": " + std::strerror(errno) +
               "; the spool is looked at every second instead (see /proc/sys/fs/inotify)";
    events_.reset();
}

void SpoolWatch::watch_clusters() {
    for (const std::string& entry : entries_of(os::open_directory(spool_.ready()))) {
        const auto sysid = parse_system_identifier(entry);
        if (!sysid) continue;
        const int watch = ::inotify_add_watch(events_.get(), spool_.ready(*sysid).c_str(), appearing);
        if (watch >= 0) {
            clusters_[watch] = *sysid;
        } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
            return give_up("watch " + spool_.ready(*sysid));
        }
    }
}

void SpoolWatch::read_events(Seen& seen) {
    alignas(inotify_event) std::array<char, 16384> buffer;
    for (;;) {
        const ssize_t got = ::read(events_.get(), buffer.data(), buffer.size());
        if (got <= 0) return;
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof *event + event->len);
            const auto cluster = clusters_.find(event->wd);
            if ((event->mask & IN_IGNORED) != 0) {
                clusters_.erase(event->wd);
                seen.look_everywhere = true;
            } else if (event->wd == ready_ || (event->mask & IN_Q_OVERFLOW) != 0) {
                seen.look_everywhere = true;
            } else if (cluster != clusters_.end() && event->len > 0) {
                seen.names.push_back({cluster->second, event->name});
            }
        }
    }
}

SpoolWatch::Seen SpoolWatch::wait(milliseconds patience, const std::stop_token& stop) {
    Seen seen;
    const std::stop_callback wake(stop, [this] { (void)::eventfd_write(wake_.get(), 1); });
    auto until = steady_clock::now() + (events_ ? patience : std::min(patience, polling));
    auto latest = steady_clock::time_point::max();
    while (!stop.stop_requested()) {
        const auto left = std::chrono::ceil<milliseconds>(std::min(until, latest) - steady_clock::now());
        if (left.count() <= 0) break;
        std::array<pollfd, 2> waiting{pollfd{wake_.get(), POLLIN, 0}, pollfd{events_.get(), POLLIN, 0}};
        const int ready = ::poll(waiting.data(), events_ ? 2 : 1, static_cast<int>(left.count()));
        if (ready <= 0 || (waiting[1].revents & POLLIN) == 0) continue;
        read_events(seen);
        const auto now = steady_clock::now();
        if (latest == steady_clock::time_point::max()) latest = now + longest_settling;
        until = now + settling;
    }
    if (seen.look_everywhere && events_) watch_clusters();
    if (!events_) seen.look_everywhere = true;
    return seen;
}

}  // namespace walferry::drain
