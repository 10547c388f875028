#include "uploader/restore/restore_command.hpp"

namespace walferry {
namespace {

constexpr std::string_view harmless =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";

std::string doubled_percent(std::string_view text) {
    std::string doubled;
    for (const char c : text) doubled.append(c == '%' ? 2 : 1, c);
    return doubled;
}

}  // namespace

std::string shell_word(std::string_view word) {
    if (!word.empty() && word.find_first_not_of(harmless) == std::string_view::npos) return std::string(word);
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string RestoreCommand::text() const {
    std::string command = shell_word(program) + " --config " + shell_word(configuration);
    for (const std::string& store : only) command += " --only " + shell_word(store);
    for (const std::string& store : without) command += " --without " + shell_word(store);
    if (system_identifier) command += " --system-identifier " + std::to_string(*system_identifier);
    return doubled_percent(command) + " \"%f\" \"%p\"";
}

}  // namespace walferry
