#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace walferry::server {

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

    /// The spool that push takes, without slashes at its end.
    std::string filled_spool() const;
    /// Whether each segment goes to that spool, and nothing but push decides whether it counts as archived.
    bool fills(const std::string& wanted_spool) const;
};

/// As the server and then sh read it: quotes, backslashes, operators, assignments before a command,
/// `exec` and `env`. Whatever else a shell can do is not looked into.
ArchiveCommand parse_archive_command(std::string_view text);

/// The archive_command that has `program`, a name or a path, fill that spool.
std::string compose_archive_command(const std::string& program, const std::string& spool);

/// For a message: what a word calls a key, a password or the like is not shown. What is quoted with blanks in
/// it may be cut.
std::string without_secrets(std::string_view command);

/// The statements that give it to a running server.
std::string set_archive_command(const std::string& program, const std::string& spool);

}  // namespace walferry::server
