#pragma once
#include <chrono>
#include <string>

namespace walferry {

/// [retention] of the configuration, as it holds for one store. Without a window nothing expires.
struct Retention {
    std::chrono::milliseconds recovery_window{0};  // every moment of it stays reachable
    int keep_backups = 2;                          // and never fewer restorable backups than this
    int daily = 0;                                 // beyond the window: backups with only their own WAL
    int weekly = 0;
    int monthly = 0;
    int yearly = 0;
    std::chrono::milliseconds grace{std::chrono::days(1)};  // between marking and removing

    bool expires() const noexcept { return recovery_window.count() > 0; }
    /// One line that is the same for the same rules: "recovery_window=30d keep_backups=2 …".
    std::string policy() const;

    bool operator==(const Retention&) const = default;
};

/// The longest that a backup may take: at this age it aborts itself, and what belongs to no backup may go.
inline constexpr std::chrono::days max_backup{7};

}  // namespace walferry
