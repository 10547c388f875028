#include "host/check/server.hpp"

#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "console/catalogue.hpp"
#include "host/check/look.hpp"
#include "host/check/server_program.hpp"
#include "server/archive_command.hpp"
#include "server/programs.hpp"

namespace walferry::check {
namespace {

using std::chrono::steady_clock;

std::unique_ptr<server::ServerConnection> connect(const CheckContext& context, const std::string& conninfo) {
    const auto deadline = std::make_shared<steady_clock::time_point>(steady_clock::now() + context.patience);
    return std::make_unique<server::ServerConnection>(
        conninfo, server::ServerConnection::Kind::sql,
        [deadline] {
            if (steady_clock::now() < *deadline) return;
            throw Error(ErrorKind::server, "the PostgreSQL server gives no answer",
                        "is it stopped, or its storage at work? Look into its log");
        },
        [](const std::string&) {});
}

/// The server's user is its superuser too, unless somebody decided otherwise. A role in the configuration is
/// meant for the uploader.
std::string as_owner(const std::string& conninfo, const std::string& owner) {
    if (conninfo.find("://") != std::string::npos) return conninfo;
    return conninfo + (conninfo.empty() ? "" : " ") + "user=" + owner;
}

/// With the server's user's eyes, as far as the caller may borrow them.
void look_at_programs(const CheckContext& context, ServerState& state) {
    try {
        state.push_program = server::program_beside_this_one("walferry-archive-push");
    } catch (const Error&) {  // it is installed elsewhere, such as in the server's container
    }
    state.environment_spool = server_environment(state, "WALFERRY_SPOOL");
    state.has_other_root = server_has_other_root(state);
    if (state.has_other_root) return;
    const std::string path = server_path(state);
    std::optional<server::ActingAs> acting;
    if (context.users.root && context.users.server) acting.emplace(*context.users.server);
    const std::string program = server::parse_archive_command(state.archive_command).program;
    if (!program.empty())
        state.runs_push_by_script = script_runs_push(find_program(program, path, state.data_directory));
}

}  // namespace

bool was_turned_away(const Error& error) {
    // Who is asking, or what it asks for; not that the server starts up, stops or is full.
    return error.code.starts_with("28") || error.code.starts_with("42") || error.code.starts_with("3D");
}

std::unique_ptr<server::ServerConnection> connect_for_check(const CheckContext& context) {
    const std::string& conninfo = context.settings.server_conninfo;
    if (!context.users.root) return connect(context, conninfo);
    if (context.users.server) {
        try {
            const server::ActingAs acting(*context.users.server);
            return connect(context, as_owner(conninfo, context.users.server->name));
        } catch (const Error& error) {
            if (!was_turned_away(error) || !context.users.uploader) throw;
        }
    }
    if (!context.users.uploader) return connect(context, conninfo);
    const server::ActingAs acting(*context.users.uploader);
    return connect(context, conninfo);
}

void look_at_server(const CheckContext& context, console::Findings& findings, Facts& facts) {
    try {
        const auto server = connect_for_check(context);
        ServerState state = ask_server_state(*server);
        look_at_programs(context, state);
        findings.pass(console::finding_id::server, "answers at " + server->peer() + ", version " +
                                                       std::to_string(state.version / 10000) + "." +
                                                       std::to_string(state.version % 10000));
        judge_server(state, context.settings, findings);
        facts = state;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::server && error.kind() != ErrorKind::config) throw;
        if (!context.users.root && was_turned_away(error)) {
            findings.warn(console::finding_id::server_role, error.message(),
                          error.hint() + "; or run this as root");
            findings.skip(console::finding_id::server,
                          "it answers, and lets no role in that could ask how it archives");
        } else {
            findings.fail(console::finding_id::server, error.message(), error.hint());
        }
    }
}

void look_at_role(const CheckContext& context, console::Findings& findings, Facts&) {
    if (!context.users.root || !context.users.uploader || !context.server) return;
    const server::ServerUser& user = *context.users.uploader;
    server::become(user);
    try {
        connect(context, context.settings.server_conninfo);
        findings.pass(console::finding_id::server_role, user.name + " can connect to the server");
    } catch (const Error& error) {
        findings.warn(console::finding_id::server_role, user.name + ": " + error.message(), error.hint());
    }
}

}  // namespace walferry::check
