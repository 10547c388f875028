#include "restore/restore_command.hpp"

#include "common/shell_word.hpp"

namespace walferry::restore {

std::string RestoreCommand::text() const {
    std::string command = shell_word(program);
    if (!configuration.empty()) command += " --config " + shell_word(configuration);
    for (const std::string& store : stores.only) command += " --only " + shell_word(store);
    for (const std::string& store : stores.without) command += " --without " + shell_word(store);
    if (spool) command += " --spool " + shell_word(*spool);
    if (no_spool) command += " --no-spool";
    if (system_identifier) command += " --system-identifier " + std::to_string(*system_identifier);
    return percents_doubled(command) + " \"%f\" \"%p\"";
}

}  // namespace walferry::restore
