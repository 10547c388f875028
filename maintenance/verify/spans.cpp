#include "maintenance/verify/spans.hpp"

#include <algorithm>
#include <numeric>

namespace walferry::verify {
namespace {

/// As often as a run is expected, in parts of `every`.
constexpr int runs_within = 30;

std::string since_of(WallTime time) {
    return format_time(time);
}

bool near(const std::string& a, const std::string& b, std::chrono::milliseconds distance) {
    const auto one = parse_time(a);
    const auto other = parse_time(b);
    return one && other && std::chrono::abs(*one - *other) <= distance;
}

}  // namespace

void SpanMaker::add(const ObjectInfo& object) {
    if (!open_) spans_.emplace_back();
    VerifySpan& span = spans_.back();
    span.last_key = object.key;
    ++span.objects;
    span.bytes += object.size;
    open_ = !is_full(span);
}

std::vector<VerifySpan> SpanMaker::finish() {
    open_ = false;
    return std::move(spans_);
}

void begin_counting(std::vector<VerifySpan>& spans, bool first_time, WallTime now,
                    std::chrono::milliseconds every) {
    const auto weight = [](const VerifySpan& span) { return static_cast<double>(span.bytes + span.objects); };
    double total = 0;
    for (const VerifySpan& span : spans) total += weight(span);
    double before = 0;
    for (VerifySpan& span : spans) {
        const double left = first_time && total > 0 ? 1 - before / total : 0;
        const auto ago =
            std::chrono::milliseconds(static_cast<std::int64_t>(left * static_cast<double>(every.count())));
        span.since = since_of(now - ago);
        before += weight(span);
    }
}

std::vector<std::size_t> due_spans(const std::vector<VerifySpan>& spans, WallTime now,
                                   std::chrono::milliseconds every, bool all) {
    const std::string due = since_of(now - every + every / runs_within);
    const std::string to_come = since_of(now + std::chrono::minutes(10));
    std::vector<std::size_t> order(spans.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return spans[a].since < spans[b].since; });
    if (all) return order;
    std::erase_if(order,
                  [&](std::size_t each) { return spans[each].since > due && spans[each].since < to_come; });
    return order;
}

Joined join_small(std::vector<VerifySpan>& spans, std::chrono::milliseconds every) {
    Joined joined;
    std::vector<VerifySpan> left;
    bool changed = false;  // the last of `left`
    for (VerifySpan& span : spans) {
        VerifySpan* before = left.empty() ? nullptr : &left.back();
        if (before != nullptr && before->read_at.has_value() == span.read_at.has_value() &&
            before->objects + span.objects <= most_objects && before->bytes + span.bytes <= most_bytes &&
            near(before->since, span.since, every / runs_within)) {
            joined.gone.push_back(before->last_key);
            span.objects += before->objects;
            span.bytes += before->bytes;
            span.since = std::min(span.since, before->since);
            if (span.read_at) span.read_at = std::min(span.read_at, before->read_at);
            left.back() = std::move(span);
            changed = true;
            continue;
        }
        if (changed) joined.come.push_back(left.back());
        changed = false;
        left.push_back(std::move(span));
    }
    if (changed) joined.come.push_back(left.back());
    spans = std::move(left);
    return joined;
}

}  // namespace walferry::verify
