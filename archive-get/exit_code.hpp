#pragma once
#include <string_view>

namespace walferry::get {

enum class Outcome { restored, absent, failed };

/// What PostgreSQL is told. Up to 125 it reads as "there is no such file", and ends the recovery; above that
/// it stops. A standby asks again after the former and shuts down after the latter, except that for a history
/// file "there is none" could make it promote to a timeline that exists.
constexpr int exit_code(Outcome outcome, bool standby, bool history) noexcept {
    switch (outcome) {
        case Outcome::restored:
            return 0;
        case Outcome::absent:
            return 1;
        case Outcome::failed:
            break;
    }
    return standby && !history ? 1 : 255;
}

inline bool is_history(std::string_view name) noexcept {
    return name.ends_with(".history");
}

}  // namespace walferry::get
