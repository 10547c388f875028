#include "host/check/timelines_in_use.hpp"

namespace walferry::check {

void add_timelines_in_use(const CheckContext& context, Ledger& ledger, std::uint64_t system_identifier,
                          archive::Forks& forks) {
    for (const BackupStart& backup : ledger.backup_starts(system_identifier))
        forks.add_in_use(backup.timeline, backup.lsn);
    const auto& server = context.server;
    if (server && !server->in_recovery && server->timeline && server->system_identifier == system_identifier)
        forks.add_in_use(*server->timeline, archive::in_use_now);
}

}  // namespace walferry::check
