#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/store/object_store.hpp"
#include "console/outcome.hpp"
#include "uploader/drain/task.hpp"

namespace walferry::drain {

/// A content that was just put under its name.
struct NamedContent {
    std::int64_t segment;
    std::uint64_t system_identifier;
    std::string name;
    std::string fingerprint;
};

struct FoundConflict {
    std::int64_t segment;
    std::string name;
    std::string ours, theirs;  // fingerprints
};

/// Lists where these were put, and finds the same names with other content. Few requests: names that follow
/// each other share a page.
std::vector<FoundConflict> find_conflicts(ObjectStore& store, const std::string& prefix,
                                          const std::string& cluster, std::vector<NamedContent> sent);

/// Takes a segment's file out of the spool if durable records say that it is verified in every store.
/// What goes wrong is reported, not thrown: the file stays, and the next run comes back to it.
void remove_if_done(Ledger& ledger, const SpoolPaths& spool, console::Outcome& outcome, Task& task);

}  // namespace walferry::drain
