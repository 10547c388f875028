#include "uploader/check/how_to_drain.hpp"

#include "uploader/setup/units.hpp"

namespace walferry {

std::string how_to_drain(const Settings& settings) {
    const std::vector<std::string> timers = timers_for(settings.file);
    const std::string by_hand = "walferry --config " + settings.file + " drain";
    if (timers.empty())
        return by_hand + ", as the uploader's user; from cron, or with --follow, it goes on by itself";
    return "systemctl enable --now " + timers.front() + "; by hand: " + by_hand;
}

}  // namespace walferry
