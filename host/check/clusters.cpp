#include "host/check/clusters.hpp"

#include "common/wal/system_identifier.hpp"
#include "console/catalogue.hpp"
#include "server/archive_command.hpp"

namespace walferry::check {
namespace {

std::string with_date(std::uint64_t system_identifier) {
    return std::to_string(system_identifier) + " (created " + creation_date(system_identifier) + ")";
}

}  // namespace

void report_other_cluster(const CheckContext& context, std::uint64_t known, const std::string& where,
                          console::Findings& findings) {
    const ServerState& server = *context.server;
    const std::uint64_t answers = *server.system_identifier;
    const bool archives_here =
        server::parse_archive_command(server.archive_command).fills(context.settings.spool);
    const std::string found = "the server that answers has the system identifier " + with_date(answers) +
                              ", and " + where + " of " + with_date(known) + " only";
    if (archives_here && answers > known) {
        findings.fail(console::finding_id::new_cluster, found + "; it archives into this spool");
    } else {
        findings.fail(console::finding_id::other_cluster, found);
    }
}

}  // namespace walferry::check
