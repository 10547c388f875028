#include <array>

#include "walferry/commands/command.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry {

std::span<const commands::Command> commands::commands() {
    static constexpr std::array table{
        commands::Command{"setup", "Write keys, configuration and spool, and set the server up",
                          commands::declare_setup},
        commands::Command{"init", "Make the spool and the ledger, or correct their owners and modes",
                          commands::declare_init},
        commands::Command{"check",
                          "Look at everything that archiving needs, and say what is wrong and how to fix it",
                          commands::declare_check},
        commands::Command{"import", "Take an earlier set-up's archive directory into the spool",
                          commands::declare_import},
        commands::Command{"drain",
                          "Bring every spooled segment to every store, verified, and empty the spool",
                          commands::declare_drain},
        commands::Command{"backup", "Make a base backup of the server in every store, verified",
                          commands::declare_backup},
        commands::Command{"rebuild", "Recreate a lost or damaged ledger from the spool and the stores",
                          commands::declare_rebuild},
        commands::Command{"status", "What waits, what is verified, what is wrong", commands::declare_status},
        commands::Command{"events", "What happened in the database by its WAL: restore points, drops, gaps",
                          commands::declare_events},
        commands::Command{"list", "The segments the ledger knows and where each one is",
                          commands::declare_list},
        commands::Command{"cat", "Write one archived segment's bytes to standard output",
                          commands::declare_cat},
        commands::Command{"fetch", "Bring one WAL file back, for walferry-archive-get",
                          commands::declare_fetch},
        commands::Command{"backups",
                          "The base backups in the stores, and until when a recovery can go from each",
                          commands::declare_backups},
        commands::Command{"restore", "Bring a base backup back and prepare the server's recovery",
                          commands::declare_restore},
        commands::Command{"gaps", "WAL that is missing in a store, and where it still is",
                          commands::declare_gaps},
        commands::Command{"verify", "Read again what the stores hold, and compare it with its names",
                          commands::declare_verify},
        commands::Command{"expire", "Mark and remove what the retention does not keep; hold a backup",
                          commands::declare_expire},
        commands::Command{"sync", "Bring a store what the others have", commands::declare_sync},
        commands::Command{"conflicts", "Duplicate segments with different content",
                          commands::declare_conflicts},
        commands::Command{"settle", "Say which content of a conflict is the right one",
                          commands::declare_settle},
        commands::Command{"stores", "The stores the ledger knows; retire one", commands::declare_stores},
        commands::Command{"config", "Check and show the configuration; every key explained",
                          commands::declare_config},
        commands::Command{"keygen", "Make an age identity", commands::declare_keygen},
        commands::Command{"encrypt", "Encrypt standard input to age recipients", commands::declare_encrypt},
        commands::Command{"decrypt", "Decrypt an age file from standard input", commands::declare_decrypt},
    };
    return table;
}

std::string commands::exit_status_help() {
    return "Exit status:\n"
           "  0  done\n"
           "  1  failed\n"
           "  2  wrong usage or configuration\n"
           "  3  integrity: a conflict, a mismatch, a gap\n"
           "  4  incomplete: something is still pending, run again\n"
           "  5  another one is running\n"
           "Several at once: 2, then 3, 1, 5, 4.";
}

}  // namespace walferry
