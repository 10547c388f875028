#include <array>

#include "uploader/command.hpp"
#include "uploader/commands/declare.hpp"

namespace walferry {

std::span<const Command> commands() {
    static constexpr std::array table{
        Command{"setup", "Write keys, configuration and spool, and set the server up", declare_setup},
        Command{"init", "Make the spool and the ledger, or mend their owners and modes", declare_init},
        Command{"check", "Look at everything that archiving needs, and say what is wrong and how to mend it",
                declare_check},
        Command{"import", "Take an earlier set-up's archive directory into the spool", declare_import},
        Command{"drain", "Bring every spooled segment to every store, verified, and empty the spool",
                declare_drain},
        Command{"backup", "Make a base backup of the server in every store, verified", declare_backup},
        Command{"rebuild", "Make a lost or damaged ledger anew from the spool and the stores",
                declare_rebuild},
        Command{"status", "What waits, what is verified, what is wrong", declare_status},
        Command{"events", "What happened in the database by its WAL: restore points, drops, gaps",
                declare_events},
        Command{"list", "The segments the ledger knows and where each one is", declare_list},
        Command{"cat", "Write one archived segment's bytes to standard output", declare_cat},
        Command{"fetch", "Bring one WAL file back, for walferry-archive-get", declare_fetch},
        Command{"backups", "The base backups in the stores, and until when a recovery can go from each",
                declare_backups},
        Command{"restore", "Bring a base backup back and prepare the server's recovery", declare_restore},
        Command{"conflicts", "Names that stand for two contents", declare_conflicts},
        Command{"settle", "Say which content of a conflict is the right one", declare_settle},
        Command{"stores", "The stores the ledger knows; retire one", declare_stores},
        Command{"config", "Check and show the configuration; every key explained", declare_config},
        Command{"keygen", "Make an age identity", declare_keygen},
        Command{"encrypt", "Encrypt standard input to age recipients", declare_encrypt},
        Command{"decrypt", "Decrypt an age file from standard input", declare_decrypt},
    };
    return table;
}

std::string exit_status_help() {
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
