#include "uploader/drain/judging_pace.hpp"

#include <algorithm>

namespace walferry::drain {
namespace {

std::int64_t newest_of(const std::vector<ConflictRow>& rows) {
    std::int64_t newest = 0;
    for (const ConflictRow& row : rows) newest = std::max(newest, row.id);
    return newest;
}

}  // namespace

bool JudgingPace::is_due(const std::vector<ConflictRow>& rows, Time now) const {
    return !rows.empty() && (newest_of(rows) > newest_ || now >= again_);
}

void JudgingPace::asked(const std::vector<ConflictRow>& rows, Time now) {
    const bool open =
        std::any_of(rows.begin(), rows.end(), [](const ConflictRow& row) { return !row.settled_at; });
    newest_ = newest_of(rows);
    again_ = now + (open ? std::chrono::minutes(1) : std::chrono::minutes(60));
}

}  // namespace walferry::drain
