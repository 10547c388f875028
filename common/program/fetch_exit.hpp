#pragma once

namespace walferry::fetch_exit {

/// What `walferry fetch` tells walferry-archive-get. "Absent" may end a recovery, so it is a number that
/// nothing else ends with: no shell, no loader of shared libraries, no other error of the command.
inline constexpr int restored = 0;
inline constexpr int absent = 44;
/// On a standby that lives on the archive alone, for a history file: it has to stop.
inline constexpr int stop = 45;

}  // namespace walferry::fetch_exit
