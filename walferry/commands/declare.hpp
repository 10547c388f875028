#pragma once
#include "walferry/commands/command.hpp"

// One function per file in this folder: it adds the command's options and help to `app` and returns its body.
namespace walferry::commands {

CommandBody declare_backup(CLI::App& app);
CommandBody declare_backups(CLI::App& app);
CommandBody declare_cat(CLI::App& app);
CommandBody declare_check(CLI::App& app);
CommandBody declare_config(CLI::App& app);
CommandBody declare_conflicts(CLI::App& app);
CommandBody declare_decrypt(CLI::App& app);
CommandBody declare_drain(CLI::App& app);
CommandBody declare_encrypt(CLI::App& app);
CommandBody declare_events(CLI::App& app);
CommandBody declare_expire(CLI::App& app);
CommandBody declare_gaps(CLI::App& app);
CommandBody declare_fetch(CLI::App& app);
CommandBody declare_import(CLI::App& app);
CommandBody declare_init(CLI::App& app);
CommandBody declare_setup(CLI::App& app);
CommandBody declare_keygen(CLI::App& app);
CommandBody declare_list(CLI::App& app);
CommandBody declare_rebuild(CLI::App& app);
CommandBody declare_restore(CLI::App& app);
CommandBody declare_settle(CLI::App& app);
CommandBody declare_status(CLI::App& app);
CommandBody declare_stores(CLI::App& app);
CommandBody declare_sync(CLI::App& app);
CommandBody declare_verify(CLI::App& app);

}  // namespace walferry::commands
