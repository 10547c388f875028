#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "common/error.hpp"
#include "restore/restore.hpp"
#include "restore/restore_places.hpp"
#include "tests/catch.hpp"
#include "tests/restore/backup_maker.hpp"

namespace walferry::test {

using namespace restore;

/// How an action that must throw an Error failed; `internal` when it did not.
inline ErrorKind kind_of(const std::function<void()>& action, std::string* message = nullptr) {
    try {
        action();
    } catch (const Error& error) {
        if (message != nullptr) *message = error.what();
        return error.kind();
    }
    return ErrorKind::internal;
}

/// A restore that must fail and leave nothing that looks like a database.
inline std::string refused_midway(BackupMaker& maker, ErrorKind kind = ErrorKind::integrity) {
    std::string message;
    CHECK(kind_of([&] { restore_backup(maker.settings(), maker.options()); }, &message) == kind);
    CHECK(std::filesystem::exists(maker.dir / ("data/" + std::string(incomplete_marker))));
    CHECK_FALSE(std::filesystem::exists(maker.dir / "data/PG_VERSION"));
    return message;
}

}  // namespace walferry::test
