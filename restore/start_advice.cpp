#include "restore/start_advice.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "common/error.hpp"
#include "common/shell_word.hpp"
#include "common/wal/pg_control.hpp"
#include "restore/restore_command.hpp"
#include "restore/server_access.hpp"
#include "server/programs.hpp"

namespace walferry::restore {
namespace {

/// nullopt where all is well.
std::optional<std::string> trouble_with_configuration(const std::string& server,
                                                      const std::string& data_directory,
                                                      const server::ServerUser& user) {
    const server::ProgramAnswer answer =
        server::run_as(user, {server, "-D", data_directory, "-C", "data_directory"});
    if (answer.exit_code != 0) return "the server does not accept its configuration: " + one_line(answer.err);
    if (answer.out != data_directory + "\n")
        return "the server would use another data directory: " + one_line(answer.out);
    return std::nullopt;
}

/// Beside the data directory, where its user may write there.
std::string log_place(const std::string& data_directory, const server::ServerUser& user) {
    const std::filesystem::path data(data_directory);
    const server::ActingAs acting(user);
    for (const std::string& folder : {data.parent_path().string(), std::string("/var/log/postgresql")}) {
        if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0)
            return folder + "/" + data.filename().string() + ".startup.log";
    }
    return "/var/tmp/" + data.filename().string() + ".startup.log";
}

/// Whether the cluster that was backed up lies where it lay.
bool original_is_here(const BackupLabel& label) {
    try {
        return read_system_identifier(label.data_directory + "/global/pg_control") == label.system_identifier;
    } catch (const Error&) {
        return false;  // something else is there
    }
}

}  // namespace

StartAdvice advise_start(const BackupLabel& label, const std::string& data_directory,
                         const server::ServerUser& user, bool archives, const std::string& programs) {
    const int major = label.pg_version_num / 10000;
    StartAdvice advice;
    const std::string server = server::server_program(major, "postgres", user, programs);
    if (server.empty()) {
        advice.notes.push_back("no postgres of PostgreSQL " + std::to_string(major) + " was found here (in " +
                               server::places_of_programs(major, programs) +
                               "), and no other version can use this directory; --bindir names its folder");
    } else if (const auto trouble = trouble_with_configuration(server, data_directory, user)) {
        advice.notes.push_back(*trouble);
    }
    const std::string control = server::server_program(major, "pg_ctl", user, programs);
    advice.log = log_place(data_directory, user);
    advice.command = (user.uid == ::getuid() ? "" : "runuser -u " + shell_word(user.name) + " -- ") +
                     (control.empty() ? "pg_ctl" : control) + " -D " + shell_word(data_directory) + " -l " +
                     shell_word(advice.log) + " start";
    if (archives && label.data_directory != data_directory && original_is_here(label)) {
        advice.notes.push_back("the cluster this is a copy of is on this host, in " + label.data_directory +
                               ": once the copy is open for writing it archives into the same archive, and a "
                               "later recovery would follow "
                               "its timeline. For a copy beside the original restore with --no-archiving, "
                               "and start it with another port "
                               "(-o '-p 5433')");
    }
    return advice;
}

}  // namespace walferry::restore
