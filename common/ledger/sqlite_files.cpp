#include "common/ledger/sqlite_files.hpp"

#include <sqlite3.h>

#include <string_view>

namespace walferry::sqlite {
namespace {

constexpr const char* layer_name = "walferry";

sqlite3_vfs* system_files() noexcept {
    static sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
    return found;
}

extern "C" int access_without_journal(sqlite3_vfs*, const char* name, int what, int* result) noexcept {
    if (what == SQLITE_ACCESS_EXISTS && std::string_view(name).ends_with("-journal")) {
        *result = 0;
        return SQLITE_OK;
    }
    return system_files()->xAccess(system_files(), name, what, result);
}

extern "C" int open_without_journal(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags,
                                    int* out) noexcept {
    if ((flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0) {
        file->pMethods = nullptr;
        return SQLITE_CANTOPEN;
    }
    return system_files()->xOpen(system_files(), name, file, flags, out);
}

}  // namespace

const char* files_without_journal() {
    static sqlite3_vfs layer = [] {
        sqlite3_vfs copy = *system_files();
        copy.zName = layer_name;
        copy.pNext = nullptr;
        copy.xAccess = access_without_journal;
        copy.xOpen = open_without_journal;
        return copy;
    }();
    static const int registered = sqlite3_vfs_register(&layer, 0);
    return registered == SQLITE_OK ? layer_name : nullptr;
}

}  // namespace walferry::sqlite
