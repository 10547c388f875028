#include "tests/fault/model/ledger_sight.hpp"

#include <algorithm>
#include <filesystem>

#include "common/error.hpp"
#include "common/ledger/sqlite.hpp"

namespace fs = std::filesystem;

namespace walferry::test::model {
namespace {

void copy_files(const std::string& path, const std::string& copy) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy + suffix, ignored);
    for (const char* suffix : {"", "-wal"}) {
        if (fs::exists(path + suffix)) fs::copy_file(path + suffix, copy + suffix);
    }
}

void read(sqlite::Database& database, LedgerSight& sight) {
    sqlite::Statement segments(database,
                               "SELECT id, system_identifier, name, fingerprint, removed_at FROM segment");
    while (segments.step()) {
        sight.segments[segments.integer(0)] = {
            segments.text(1), segments.text(2), segments.text(3), segments.is_null(4), {}};
    }
    sqlite::Statement stores(database, "SELECT name, endpoint FROM store WHERE retired_at IS NULL");
    while (stores.step()) sight.stores[stores.text(0)] = stores.text(1);
    sqlite::Statement uploads(database,
                              "SELECT u.segment, t.name FROM upload u JOIN store t ON t.id = u.store "
                              "WHERE u.state = 'verified' AND t.retired_at IS NULL");
    while (uploads.step()) sight.segments[uploads.integer(0)].verified.insert(uploads.text(1));
    sqlite::Statement conflicts(
        database,
        "SELECT c.id, c.segment, t.name, c.theirs, c.settled_at, c.divergence FROM conflict c "
        "LEFT JOIN store t ON t.id = c.store");
    while (conflicts.step()) {
        sight.conflicts[conflicts.integer(0)] = {conflicts.integer(1), conflicts.text(2), conflicts.text(3),
                                                 !conflicts.is_null(4), !conflicts.is_null(5)};
    }
}

}  // namespace

const LedgerSight::Segment* LedgerSight::labelled(const std::string& label) const {
    for (const auto& [id, segment] : segments) {
        if (segment.label() == label) return &segment;
    }
    return nullptr;
}

bool LedgerSight::knows_name(const std::string& directory, const std::string& name) const {
    return std::any_of(segments.begin(), segments.end(), [&](const auto& row) {
        return row.second.directory == directory && row.second.name == name;
    });
}

bool LedgerSight::verified_everywhere(const Segment& segment) const {
    return !stores.empty() && std::all_of(stores.begin(), stores.end(), [&](const auto& store) {
        return segment.verified.contains(store.first);
    });
}

LedgerSight look_at_ledger(const std::string& path, const std::string& copy) {
    LedgerSight sight;
    if (!fs::exists(path)) return sight;
    copy_files(path, copy);
    try {
        sqlite::Database database(copy, {});
        read(database, sight);
        sight.there = true;
    } catch (const Error&) {
        sight = {};  // damaged, or nobody finished making it
    }
    return sight;
}

}  // namespace walferry::test::model
