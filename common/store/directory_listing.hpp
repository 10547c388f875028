#pragma once
#include <functional>
#include <string>

#include "common/os/os.hpp"
#include "common/store/object_store.hpp"

namespace walferry {

inline constexpr std::size_t directory_page = 1000;

/// The first keys below an open directory that start with `prefix` and sort after `start_after`, in byte
/// order of the whole key, which is not the order of a directory walk. Holds a page in memory, however many
/// files there are. `check_stop` is called now and then and may throw.
ObjectPage list_directory(const Directory& root, const std::string& prefix, const std::string& start_after,
                          const std::function<void()>& check_stop);

}  // namespace walferry
