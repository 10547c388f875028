#include "uploader/drain/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "common/error.hpp"

namespace walferry::drain {
namespace {

std::size_t terminal_width() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const DrainView& view, std::chrono::milliseconds elapsed, std::size_t width) {
    const double seconds = static_cast<double>(elapsed.count()) / 1000;
    const double rate = seconds > 0 ? static_cast<double>(view.bytes_removed) / seconds : 0;
    std::string line = std::to_string(view.segments_removed) + "/" + std::to_string(view.segments_total) +
                       " segments, " + format_bytes(view.bytes_removed) + " of " +
                       format_bytes(view.bytes_total);
    if (rate > 0) {
        line += ", " + format_bytes(static_cast<std::uint64_t>(rate)) + "/s";
        const auto left =
            static_cast<double>(view.bytes_total - std::min(view.bytes_total, view.bytes_removed)) / rate;
        line += ", " + format_duration(std::chrono::seconds(static_cast<long long>(left) + 1)) + " left";
    }
    for (const DrainView::Store& store : view.stores) {
        line += " | " + store.name + " " +
                (store.lane.down ? std::string("DOWN") : std::to_string(store.lane.verified) + " ok");
    }
    if (line.size() > width) line.resize(width);
    return line;
}

Progress::Progress(bool on_terminal) : on_terminal_(on_terminal) {
    if (!on_terminal_) return;
    painter_ = std::jthread([this](const std::stop_token& ended) {
        std::unique_lock lock(mutex_);
        while (!ended.stop_requested()) {
            redraw();
            changed_.wait_for(lock, ended, std::chrono::milliseconds(200), [] { return false; });
        }
    });
}

Progress::~Progress() {
    painter_ = {};
    erase();
}

void Progress::watch(Drain::Viewer viewer) {
    if (!viewer) return show(nullptr);
    show([viewer = std::move(viewer)](std::chrono::milliseconds elapsed, std::size_t width) {
        return progress_line(viewer(), elapsed, width);
    });
}

void Progress::show(Line line) {
    const std::lock_guard lock(mutex_);
    if (line) started_ = std::chrono::steady_clock::now();
    line_ = std::move(line);
    if (!line_) erase();
}

void Progress::say(const std::string& line) {
    const std::lock_guard lock(mutex_);
    erase();
    std::fprintf(stderr, "walferry: %s\n", one_line(line).c_str());
}

void Progress::redraw() {
    if (!line_) return;
    const auto elapsed = std::chrono::steady_clock::now() - started_;
    std::string line =
        line_(std::chrono::duration_cast<std::chrono::milliseconds>(elapsed), terminal_width() - 1);
    if (line.size() > terminal_width() - 1) line.resize(terminal_width() - 1);
    ::dprintf(STDERR_FILENO, "\r%s\x1b[K", one_line(line).c_str());
    drawn_ = line.size();
}

void Progress::erase() {
    if (drawn_ > 0) ::dprintf(STDERR_FILENO, "\r\x1b[K");
    drawn_ = 0;
}

}  // namespace walferry::drain
