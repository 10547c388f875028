#include "common/wal/timeline_history.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/error.hpp"
#include "common/wal/lsn.hpp"

namespace walferry {
namespace {

[[noreturn]] void refuse(std::uint32_t timeline, const std::string& why) {
    throw Error(ErrorKind::integrity,
                "the history file of timeline " + std::to_string(timeline) + " makes no sense: " + why,
                "settle which content is right, or restore along another timeline with --timeline");
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string_view next_field(std::string_view& line) {
    constexpr std::string_view blank = " \t\r";
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    const std::size_t end = std::min(line.find_first_of(blank), line.size());
    const std::string_view field = line.substr(0, end);
    line.remove_prefix(end);
    return field;
}

}  // namespace

TimelineHistory TimelineHistory::parse(std::uint32_t timeline, std::string_view text) {
    TimelineHistory history{timeline, {}};
    std::uint64_t begin = 0;
    while (!text.empty()) {
        std::string_view line = next_line(text);
        const std::string_view number = next_field(line);
        if (number.empty() || number.front() == '#') continue;
        TimelineSpan span{0, begin, 0};
        const auto [end, error] =
            std::from_chars(number.data(), number.data() + number.size(), span.timeline);
        if (error != std::errc() || end != number.data() + number.size() || span.timeline == 0)
            refuse(timeline, "\"" + std::string(number) + "\" is no timeline");
        const std::string_view position = next_field(line);
        const auto lsn = parse_lsn(position);
        if (!lsn) refuse(timeline, "\"" + std::string(position) + "\" is no position in the WAL");
        if (!history.spans.empty() && span.timeline <= history.spans.back().timeline)
            refuse(timeline, "its timelines do not ascend");
        if (*lsn < begin) refuse(timeline, "its positions do not ascend");
        span.end = begin = *lsn;
        history.spans.push_back(span);
    }
    if (!history.spans.empty() && history.spans.back().timeline >= timeline)
        refuse(timeline, "its timelines do not end below its own");
    history.spans.push_back({timeline, begin, TimelineSpan::open_end});
    return history;
}

TimelineHistory TimelineHistory::root(std::uint32_t timeline) {
    return {timeline, {{timeline, 0, TimelineSpan::open_end}}};
}

std::optional<std::vector<TimelineSpan>> way_from(const TimelineHistory& history,
                                                  std::uint32_t backup_timeline, std::uint64_t start_lsn,
                                                  std::uint64_t stop_lsn) {
    const auto own = std::find_if(history.spans.begin(), history.spans.end(),
                                  [&](const TimelineSpan& span) { return span.timeline == backup_timeline; });
    if (own == history.spans.end() || own->begin > start_lsn || own->end < stop_lsn) return std::nullopt;
    return std::vector<TimelineSpan>(own, history.spans.end());
}

}  // namespace walferry
