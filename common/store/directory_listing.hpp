#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "common/os/os.hpp"
#include "common/store/object_store.hpp"

namespace walferry {

inline constexpr std::size_t directory_page = 1000;

/// Of a large directory, what sorts next: so that page after page of it does not read all of it each time.
/// Holds for the listing of one prefix, and for as long as the directory itself was not changed.
struct LargeDirectory {
    static constexpr std::size_t most_entries = 50 * directory_page;

    std::string prefix, path, after;   // what was asked for
    struct stat status {};             // of the directory before it was read
    std::vector<std::string> entries;  // in order
    bool cut = false;                  // there were more
};

ObjectInfo object_info(std::string key, const struct stat& status);

/// The first keys below an open directory that start with `prefix` and sort after `start_after`, in byte
/// order of the whole key, which is not the order of a directory walk. Holds some ten megabytes at most,
/// however many files there are. `check_stop` is called now and then and may throw. `large` is kept from one
/// page to the next.
ObjectPage list_directory(const Directory& root, const std::string& prefix, const std::string& start_after,
                          LargeDirectory& large, const std::function<void()>& check_stop);

}  // namespace walferry
