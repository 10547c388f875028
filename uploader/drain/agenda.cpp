#include "uploader/drain/agenda.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace walferry {
namespace {

using Key = std::pair<std::uint64_t, std::string>;

bool before(const Task& a, const Task& b) {
    const auto rank = [](const Task& task) {
        return std::tuple(task.file.name.kind != WalKind::history, std::string_view(task.spooled_at),
                          std::string_view(task.file.name.text));
    };
    return rank(a) < rank(b);
}

}  // namespace

Agenda make_agenda(const std::vector<SegmentRow>& rows, const std::vector<UploadRow>& uploads,
                   const SpoolScan& scan, const std::vector<std::int64_t>& store_ids) {
    std::map<Key, std::vector<const SegmentRow*>> by_name;
    for (const SegmentRow& row : rows) by_name[{row.system_identifier, row.name}].push_back(&row);
    std::unordered_map<std::int64_t, std::vector<const UploadRow*>> by_segment;
    for (const UploadRow& upload : uploads) by_segment[upload.segment].push_back(&upload);

    Agenda agenda;
    agenda.problems = scan.problems;
    for (const SpoolFile& file : scan.files) {
        auto task = std::make_unique<Task>(file, store_ids.size());
        task->spooled_at = format_time(file.modified);
        const auto found = by_name.find({file.system_identifier, file.name.text});
        if (found != by_name.end()) {
            // Two contents of one name, both said to be in the spool: which one it is, its bytes must tell.
            if (found->second.size() == 1) {
                const SegmentRow& row = *found->second.front();
                task->segment = row.id;
                task->fingerprint = row.fingerprint;
                task->spooled_at = row.spooled_at;
                for (const UploadRow* upload : by_segment[row.id]) {
                    const auto at =
                        std::find(store_ids.begin(), store_ids.end(), upload->store) - store_ids.begin();
                    if (at == static_cast<std::ptrdiff_t>(store_ids.size())) continue;
                    const auto lane = static_cast<std::size_t>(at);
                    task->attempts[lane] =
                        std::max(upload->attempts, upload->state == UploadState::pending ? 0 : 1);
                    if (upload->state == UploadState::verified) task->needs[lane] = Need::nothing;
                }
            }
            by_name.erase(found);
        }
        agenda.tasks.push_back(std::move(task));
    }
    for (const auto& [key, missing] : by_name) {
        for (const SegmentRow* row : missing) agenda.without_file.push_back(*row);
    }
    std::sort(agenda.tasks.begin(), agenda.tasks.end(),
              [](const auto& a, const auto& b) { return before(*a, *b); });
    return agenda;
}

}  // namespace walferry
