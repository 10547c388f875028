#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/check/look.hpp"

namespace walferry {
namespace {

using std::chrono::steady_clock;

std::unique_ptr<ServerConnection> connect(const CheckContext& context, const std::string& more = {}) {
    const auto deadline = steady_clock::now() + context.patience;
    return std::make_unique<ServerConnection>(
        context.settings.server_conninfo + more, ServerConnection::Kind::sql,
        [deadline] {
            if (steady_clock::now() >= deadline)
                throw Error(ErrorKind::server,
                            "the PostgreSQL server accepts a connection and gives no answer",
                            "is it stopped, or its storage at work? Look into its log");
        },
        [](const std::string&) {});
}

/// The configuration says how the uploader's user connects. Where it cannot, which is a finding of its own,
/// root asks as the server's user.
std::unique_ptr<ServerConnection> connect_somehow(const CheckContext& context) {
    const Users& users = context.users;
    if (!users.root || !users.server) return connect(context);
    if (users.uploader) {
        try {
            const ActingAs acting(*users.uploader);
            return connect(context);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::server) throw;
        }
    }
    const ActingAs acting(*users.server);
    // What is named twice counts the last time.
    return connect(context, " user=" + users.server->name);
}

}  // namespace

void look_at_server(const CheckContext& context, Findings& findings, Facts& facts) {
    try {
        const auto server = connect_somehow(context);
        const ServerState state = ask_server_state(*server);
        findings.pass(finding_id::server, "answers at " + server->peer() + ", version " +
                                              std::to_string(state.version / 10000) + "." +
                                              std::to_string(state.version % 10000));
        judge_server(state, context.settings, findings);
        facts = state;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::server && error.kind() != ErrorKind::config) throw;
        findings.fail(finding_id::server, error.message(), error.hint());
    }
}

void look_at_role(const CheckContext& context, Findings& findings, Facts&) {
    if (!context.users.root || !context.users.uploader || !context.server) return;
    become(*context.users.uploader);
    try {
        connect(context);
        findings.pass(finding_id::server_role,
                      "the uploader's user " + context.users.uploader->name + " can connect");
    } catch (const Error& error) {
        findings.warn(finding_id::server_role,
                      "the uploader's user " + context.users.uploader->name + ": " + error.message(),
                      error.hint());
    }
}

}  // namespace walferry
