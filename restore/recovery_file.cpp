#include "restore/recovery_file.hpp"

#include "common/shell_word.hpp"
#include "restore/server_configuration.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {
namespace {

std::string setting(const std::string& name, const std::string& value) {
    return name + " = " + server::quote_setting(value) + "\n";
}

bool pauses(const RecoveryTarget& target) {
    return target.kind != TargetKind::latest && target.action == TargetAction::pause;
}

}  // namespace

std::string recovery_file_text(const RecoverySettings& settings) {
    std::string text = "# Written by walferry restore: " + settings.description +
                       ".\n# In force while this server recovers; emptied by recovery_end_command.\n";
    text += setting("restore_command", settings.restore_command);
    text += setting("recovery_end_command", percents_doubled(recovery_end_command()));
    text += setting("recovery_target_timeline", settings.timeline);
    for (const auto& [name, value] : target_settings(settings.target)) text += setting(name, value);
    text += setting("hot_standby", pauses(settings.target) ? "on" : "off");
    if (!settings.read_ahead) text += setting("recovery_prefetch", "off");
    // What a standby was told would clear the archive here, or delay recovery.
    text += setting("archive_cleanup_command", "");
    text += setting("recovery_min_apply_delay", "0");
    return text;
}

std::string recovery_include() {
    return "\n# Written by walferry restore: in force while this server recovers, then taken out.\n" +
           setting("include_if_exists", std::string(recovery_file));
}

bool is_recovery_include(std::string_view path) {
    return path == recovery_file;
}

bool is_recovery_target(std::string_view setting_name) {
    return setting_name.starts_with("recovery_target");
}

std::string recovery_end_command() {
    // A redirection that fails ends the shell at `:`, and not at `true`. ALTER SYSTEM during a pause copies
    // what is included into postgresql.auto.conf itself: there the two commands beside each other are ours, a
    // restore_command of the server's own stays, and the last three are PostgreSQL's defaults.
    return "{ true > pg_wal/walferry-recovery.conf; "
           "sed -e '/^restore_command/{' -e '$!N' -e '/\\nrecovery_end_command.*walferry-recovery/d' -e P -e "
           "D "
           "-e '}' -e '/walferry-recovery/d' -e '/^recovery_target/d' -e '/^# Written by walferry restore/d' "
           "-e \"/^hot_standby = 'on'/d\" -e \"/^archive_cleanup_command = ''/d\" "
           "-e \"/^recovery_min_apply_delay = '0'/d\" "
           "postgresql.auto.conf > postgresql.auto.conf.walferry && sync postgresql.auto.conf.walferry && "
           "mv -f postgresql.auto.conf.walferry postgresql.auto.conf; } || :";
}

}  // namespace walferry::restore
