#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/spool/spool_scan.hpp"
#include "uploader/drain/task.hpp"

namespace walferry::drain {

/// What a pass begins with: every spooled segment, history files first, then the oldest first.
struct Agenda {
    std::vector<std::unique_ptr<Task>> tasks;
    std::vector<std::string> problems;     // in the spool, left alone
    std::vector<SegmentRow> without_file;  // the ledger expects these in the spool
};

/// Pure: brings together what the ledger says and what the spool shows. The rows must have been read before
/// the spool was scanned, or a segment that was pushed in between looks as if it had lost its file.
Agenda make_agenda(const std::vector<SegmentRow>& rows, const std::vector<UploadRow>& uploads,
                   const SpoolScan& scan, const std::vector<std::int64_t>& store_ids);

}  // namespace walferry::drain
