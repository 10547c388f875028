#pragma once
namespace walferry::get {

enum class Outcome {
    restored,
    absent,
    failed,
    stopped,  // a standby has to stop as well
};

/// What PostgreSQL is told. Up to 125 it reads as "there is no such file", and ends the recovery; above that
/// it stops. A standby asks again after the former and shuts down after the latter, so it is told the former
/// whatever is wrong: while it streams it depends on no archive.
constexpr int exit_code(Outcome outcome, bool standby) noexcept {
    switch (outcome) {
        case Outcome::restored:
            return 0;
        case Outcome::absent:
            return 1;
        case Outcome::failed:
            return standby ? 1 : 255;
        case Outcome::stopped:
            break;
    }
    return 255;
}

}  // namespace walferry::get
