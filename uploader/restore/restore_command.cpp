#include "uploader/restore/restore_command.hpp"

#include "uploader/shell_word.hpp"

namespace walferry {

std::string RestoreCommand::text() const {
    std::string command = shell_word(program) + " --config " + shell_word(configuration);
    for (const std::string& store : only) command += " --only " + shell_word(store);
    for (const std::string& store : without) command += " --without " + shell_word(store);
    command += spool ? " --spool " + shell_word(*spool) : std::string(" --no-spool");
    if (system_identifier) command += " --system-identifier " + std::to_string(*system_identifier);
    return percents_doubled(command) + " \"%f\" \"%p\"";
}

}  // namespace walferry
