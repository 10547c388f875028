#include "host/check/timelines_in_use.hpp"

namespace walferry::check {

std::optional<std::uint32_t> timeline_of_primary(const CheckContext& context,
                                                 std::uint64_t system_identifier) {
    const auto& server = context.server;
    if (!server || server->in_recovery || server->system_identifier != system_identifier) return std::nullopt;
    return server->timeline;
}

void add_timelines_in_use(const CheckContext& context, Ledger& ledger, std::uint64_t system_identifier,
                          archive::Forks& forks) {
    for (const BackupStart& backup : ledger.backup_starts(system_identifier))
        forks.add_in_use(backup.timeline, backup.lsn);
    if (const auto timeline = timeline_of_primary(context, system_identifier))
        forks.add_in_use(*timeline, archive::in_use_now);
}

}  // namespace walferry::check
