#include "common/wal/system_identifier.hpp"

#include <chrono>

#include "common/clock.hpp"

namespace walferry {

std::string creation_date(std::uint64_t system_identifier) {
    const std::chrono::sys_seconds created{
        std::chrono::seconds(static_cast<std::int64_t>(system_identifier >> 32))};
    return format_time(WallTime(created)).substr(0, 10);
}

}  // namespace walferry
