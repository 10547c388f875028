#include "uploader/drain/agenda.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

namespace walferry::drain {
namespace {

bool before(const Task& a, const Task& b) {
    const auto rank = [](const Task& task) {
        return std::tuple(task.file.name.kind != WalKind::history, std::string_view(task.spooled_at),
                          std::string_view(task.file.name.text));
    };
    return rank(a) < rank(b);
}

/// The rows of one name whose files should be in the spool, and what is there.
struct Name {
    std::vector<const SegmentRow*> rows;
    std::vector<const SpoolFile*> seconds;  // files whose names say their content
    bool unknown = false;                   // a file whose content only its bytes can tell

    bool is_second(const SegmentRow& row) const {
        return std::any_of(seconds.begin(), seconds.end(),
                           [&](const SpoolFile* file) { return file->fingerprint == row.fingerprint; });
    }
};

/// nullptr where the ledger does not know the file, or its bytes have to tell which row is its own.
const SegmentRow* row_of(const SpoolFile& file, const Name& name) {
    const SegmentRow* found = nullptr;
    for (const SegmentRow* row : name.rows) {
        if (file.fingerprint.empty() ? name.is_second(*row) : row->fingerprint != file.fingerprint) continue;
        if (found != nullptr) return nullptr;
        found = row;
    }
    return found;
}

}  // namespace

Agenda make_agenda(const std::vector<SegmentRow>& rows, const std::vector<UploadRow>& uploads,
                   const SpoolScan& scan, const std::vector<std::int64_t>& store_ids) {
    std::map<SegmentId, Name> names;
    for (const SegmentRow& row : rows) names[{row.system_identifier, row.name}].rows.push_back(&row);
    for (const SpoolFile& file : scan.files) {
        if (!file.fingerprint.empty())
            names[{file.system_identifier, file.name.text}].seconds.push_back(&file);
    }
    std::unordered_map<std::int64_t, std::vector<const UploadRow*>> by_segment;
    for (const UploadRow& upload : uploads) by_segment[upload.segment].push_back(&upload);

    Agenda agenda;
    agenda.problems = scan.problems;
    std::set<std::int64_t> found;
    for (const SpoolFile& file : scan.files) {
        auto task = std::make_unique<Task>(file, store_ids.size());
        task->spooled_at = format_time(file.modified);
        Name& name = names[{file.system_identifier, file.name.text}];
        if (const SegmentRow* row = row_of(file, name)) {
            found.insert(row->id);
            task->segment = row->id;
            task->fingerprint = row->fingerprint;
            task->spooled_at = row->spooled_at;
            for (const UploadRow* upload : by_segment[row->id]) {
                const auto at =
                    std::find(store_ids.begin(), store_ids.end(), upload->store) - store_ids.begin();
                if (at == static_cast<std::ptrdiff_t>(store_ids.size())) continue;
                const auto lane = static_cast<std::size_t>(at);
                task->attempts[lane] =
                    std::max(upload->attempts, upload->state == UploadState::pending ? 0 : 1);
                if (upload->state == UploadState::verified) task->needs[lane] = Need::nothing;
            }
        } else if (file.fingerprint.empty()) {
            name.unknown = true;
        }
        agenda.tasks.push_back(std::move(task));
    }
    for (const auto& [key, name] : names) {
        if (name.unknown) continue;
        for (const SegmentRow* row : name.rows) {
            if (!found.contains(row->id)) agenda.without_file.push_back(*row);
        }
    }
    std::sort(agenda.tasks.begin(), agenda.tasks.end(),
              [](const auto& a, const auto& b) { return before(*a, *b); });
    return agenda;
}

}  // namespace walferry::drain
