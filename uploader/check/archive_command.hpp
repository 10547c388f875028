#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

/// What an archive_command does, as far as its words tell.
struct ArchiveCommand {
    enum class Kind {
        empty,     // nothing is archived, and the segments are kept
        discards,  // says that all is well and keeps nothing: "true"
        push,      // walferry-archive-push
        copies,    // cp or the like, into a directory
        other
    };
    Kind kind = Kind::empty;
    std::string program;               // as written: its name or path
    std::optional<std::string> spool;  // --spool, else WALFERRY_SPOOL before the program
    std::string directory;             // of copies: where to
    bool names_segment = false;        // %p is among the program's words
    bool more_commands = false;        // something stands beside the program
    bool hides_failure = false;        // and makes its exit code vanish
};

/// As sh reads it: quotes, backslashes, operators, assignments before a command, `exec` and `env`. Whatever
/// else a shell can do is not looked into.
ArchiveCommand parse_archive_command(std::string_view text);

}  // namespace walferry
