#include "common/settings/retention.hpp"

#include <array>
#include <utility>

namespace walferry {
namespace {

/// In the largest unit that leaves no rest.
std::string duration(std::chrono::milliseconds value) {
    static constexpr std::array units{std::pair(86'400'000, "d"), std::pair(3'600'000, "h"),
                                      std::pair(60'000, "m"), std::pair(1000, "s")};
    for (const auto& [length, name] : units) {
        if (value.count() % length == 0) return std::to_string(value.count() / length) + name;
    }
    return std::to_string(value.count()) + "ms";
}

}  // namespace

std::string Retention::policy() const {
    return "recovery_window=" + duration(recovery_window) + " keep_backups=" + std::to_string(keep_backups) +
           " daily=" + std::to_string(daily) + " weekly=" + std::to_string(weekly) +
           " monthly=" + std::to_string(monthly) + " yearly=" + std::to_string(yearly) +
           " grace=" + duration(grace);
}

}  // namespace walferry
