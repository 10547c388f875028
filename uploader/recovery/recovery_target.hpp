#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walferry {

using MicroTime = std::chrono::sys_time<std::chrono::microseconds>;

enum class TargetKind { latest, time, lsn, xid, name, immediate };
enum class TargetAction { pause, promote, shutdown };

/// Where recovery is to end.
struct RecoveryTarget {
    TargetKind kind = TargetKind::latest;
    MicroTime time{};
    std::uint64_t lsn = 0;
    std::string text;        // the transaction's number, or the restore point's name
    bool exclusive = false;  // just before the target, not just after it
    TargetAction action = TargetAction::pause;
};

/// "2026-11-24 12:13:14.5+01:00": PostgreSQL's and ISO's form, with the time zone as Z or a distance from
/// UTC. Without one it could be the server's, this host's or anybody's: throws usage, and says how it would
/// read.
MicroTime parse_target_time(std::string_view text);
/// "2026-11-24 11:13:14.500000+00": for PostgreSQL.
std::string format_target_time(MicroTime time);

/// A transaction's number as PostgreSQL takes it: decimal, not zero. Throws usage.
std::string parse_target_xid(const std::string& text);
/// The name of a restore point: 1 to 63 bytes on one line. Throws usage.
std::string parse_target_name(const std::string& text);

/// "the end of the archive", "2026-11-24 11:13:14.500000+00", "the transaction 4711": for people.
std::string describe(const RecoveryTarget& target);

/// All parameters of postgresql.conf that decide where recovery ends, in an order that PostgreSQL takes:
/// those that must be empty first. So what an earlier recovery has left in a configuration file does not
/// count.
std::vector<std::pair<std::string, std::string>> target_settings(const RecoveryTarget& target,
                                                                 std::uint32_t timeline);

}  // namespace walferry
