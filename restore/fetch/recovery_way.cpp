#include "restore/fetch/recovery_way.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "common/error.hpp"
#include "common/os/directory_entries.hpp"
#include "common/wal/pg_control.hpp"
#include "restore/fetch/program_output.hpp"

namespace walferry::fetch {
namespace {

constexpr std::size_t longest_history = 1 << 20;
constexpr std::chrono::milliseconds patience_for_postgres{4000};

std::optional<std::string> text_of(int directory, const std::string& name, const std::string& shown) {
    const Fd file = os::open_if_exists(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, shown);
    if (!file || !S_ISREG(os::status(file.get(), shown).st_mode)) return std::nullopt;
    std::string text(longest_history, '\0');
    text.resize(os::read_at(file.get(), std::as_writable_bytes(std::span(text)), 0, shown));
    return text;
}

/// The server's own command, with which it reads its settings as it did at its start.
std::vector<std::string> asking_for_setting(const std::string& postmaster_opts,
                                            const std::string& data_directory, const char* setting) {
    std::vector<std::string> command = server_command(postmaster_opts);
    const auto option = std::find(command.begin(), command.end(), "-D");
    const bool named = option != command.end() && option + 1 != command.end();
    if (!named) command.insert(command.end(), {"-D", data_directory});
    if (named && !option[1].starts_with('/')) option[1] = data_directory;
    command.insert(command.end(), {"-C", setting});
    return command;
}

WalName history_name(std::uint32_t timeline) {
    char text[32];
    std::snprintf(text, sizeof text, "%08X.history", timeline);
    return *WalName::parse(text);
}

}  // namespace

std::vector<std::string> server_command(const std::string& postmaster_opts) {
    // PostgreSQL, postmaster.c, CreateOptsFile: the program, then each argument as ` "%s"`.
    std::string text = postmaster_opts.substr(0, postmaster_opts.find('\n'));
    std::vector<std::string> words;
    const std::size_t first = text.find(" \"");
    words.push_back(text.substr(0, first));
    if (first == std::string::npos || text.back() != '"') return words;
    text = text.substr(first + 2, text.size() - first - 3);
    for (std::size_t at = 0;;) {
        const std::size_t end = text.find("\" \"", at);
        words.push_back(text.substr(at, end == std::string::npos ? end : end - at));
        if (end == std::string::npos) return words;
        at = end + 3;
    }
}

RecoveryWay::RecoveryWay(const Directory& wal, std::string data_directory, Unknown unknown)
    : wal_(wal), data_directory_(std::move(data_directory)), unknown_(unknown) {
    if (data_directory_.empty()) return;
    segment_size_ = read_segment_size(data_directory_ + "/global/pg_control").value_or(0);
}

std::uint32_t RecoveryWay::own_timeline() const {
    if (data_directory_.empty()) return 1;
    return std::max(1U, read_checkpoint_timeline(data_directory_ + "/global/pg_control").value_or(1));
}

std::optional<std::string> RecoveryWay::own_history(const WalName& history) const {
    return text_of(wal_.get(), history.text, wal_.child(history.text));
}

std::vector<std::uint32_t> RecoveryWay::own_history_timelines() const {
    std::vector<std::uint32_t> timelines;
    for (const std::string& entry : entries_of(wal_)) {
        const auto name = WalName::parse(entry);
        if (name && name->kind == WalKind::history) timelines.push_back(name->timeline);
    }
    return timelines;
}

std::vector<TimelineHistory> RecoveryWay::own_histories() const {
    std::vector<TimelineHistory> histories;
    for (const std::uint32_t timeline : own_history_timelines()) {
        try {
            if (const auto text = own_history(history_name(timeline)))
                histories.push_back(TimelineHistory::parse(timeline, *text));
        } catch (const Error&) {
            continue;  // PostgreSQL does not take it either
        }
    }
    return histories;
}

/// What recovery_target_timeline is set to. Without a server that was started here it is what it is by
/// itself.
std::string RecoveryWay::target_setting() const {
    const std::string path = data_directory_ + "/postmaster.opts";
    try {
        const auto options = text_of(AT_FDCWD, path, path);
        if (!options) return "latest";
        const std::string output = program_output(
            asking_for_setting(*options, data_directory_, "recovery_target_timeline"), patience_for_postgres);
        return output.substr(0, output.find('\n'));
    } catch (const Error& error) {
        if (unknown_ == Unknown::newest) return "latest";
        throw Error(error.kind(), "cannot tell along which timeline the server recovers: " + error.message());
    }
}

/// As PostgreSQL chooses it (xlogrecovery.c, validateRecoveryParameters): a number, the timeline of the last
/// checkpoint, or the last one that follows without a hole.
std::uint32_t RecoveryWay::target() const {
    const std::uint32_t checkpoint = own_timeline();
    const std::string wanted = target_setting();
    if (wanted == "current") return checkpoint;
    if (wanted != "latest" && !wanted.empty()) {
        char* end = nullptr;
        const unsigned long number = std::strtoul(wanted.c_str(), &end, 0);  // as PostgreSQL reads it
        if (*end == '\0') return static_cast<std::uint32_t>(number);
        throw Error(ErrorKind::server, "the server's recovery_target_timeline is \"" + wanted + "\"");
    }
    const std::vector<std::uint32_t> known = own_history_timelines();
    std::uint32_t last = checkpoint;
    while (std::find(known.begin(), known.end(), last + 1) != known.end()) ++last;
    return last;
}

std::optional<std::uint64_t> RecoveryWay::leaves_at(const WalName& segment) const {
    if (segment.kind != WalKind::segment || segment_size_ == 0) return std::nullopt;
    const auto start = segment.start_lsn(segment_size_);
    if (!start) return std::nullopt;
    const auto left_by = [&](const TimelineHistory& history) -> std::optional<std::uint64_t> {
        for (const TimelineSpan& span : history.spans) {
            if (span.timeline == segment.timeline && span.timeline != history.timeline &&
                span.end < *start + segment_size_)
                return span.end;
        }
        return std::nullopt;
    };
    const std::vector<TimelineHistory> histories = own_histories();
    // The server is asked only where the answer matters.
    if (std::none_of(histories.begin(), histories.end(),
                     [&](const auto& history) { return left_by(history).has_value(); }))
        return std::nullopt;
    const std::uint32_t chosen = target();
    for (const TimelineHistory& history : histories) {
        if (history.timeline == chosen) return left_by(history);
    }
    return std::nullopt;
}

}  // namespace walferry::fetch
