#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walferry::restore {

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

/// "2026-11-24 12:13:14.5+01:00": PostgreSQL's form and all of RFC 3339, with the time zone as Z or a
/// distance from UTC. Without one it could be the server's, this host's or another one: throws usage, and
/// says how it would read, both ways in the hour that comes twice. Digits beyond microseconds are left out.
MicroTime parse_target_time(std::string_view text);
/// "2026-11-24 11:13:14.500000+00": for PostgreSQL.
std::string format_target_time(MicroTime time);

/// A timeline as people write it, 16, or as the names of files begin, 00000010: hexadecimal, eight digits.
/// Throws usage for everything else, 010 and 0x10 too.
std::uint32_t parse_timeline(const std::string& text);

/// A transaction's number as PostgreSQL takes it: decimal, not zero. Throws usage.
std::string parse_target_xid(const std::string& text);
/// The name of a restore point: 1 to 63 bytes on one line. Throws usage.
std::string parse_target_name(const std::string& text);

/// "the end of the archive", "2026-11-24 11:13:14.500000+00", "the transaction 4711": for people.
std::string describe(const RecoveryTarget& target);

/// The parameters of postgresql.conf that say where recovery ends and what happens there; none for the end of
/// the archive. PostgreSQL refuses two targets, so no other file may set one.
std::vector<std::pair<std::string, std::string>> target_settings(const RecoveryTarget& target);

}  // namespace walferry::restore
