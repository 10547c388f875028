#include <csignal>
#include <exception>
#include <string>

#include "archive-get/data_directory.hpp"
#include "archive-get/exit_code.hpp"
#include "archive-get/get.hpp"
#include "archive-get/message.hpp"
#include "archive-get/options.hpp"
#include "common/error.hpp"
#include "common/os/os.hpp"

using namespace walferry;
using namespace walferry::get;

namespace {

/// nullopt when it was only asked to say something, and has.
std::optional<Outcome> run(int argc, char** argv) {
    const CommandLine line = parse_command_line(argc, argv);
    switch (line.request) {
        case Request::help:
            return print_text(help_text(program_text())) ? std::nullopt : std::optional(Outcome::failed);
        case Request::version:
            return print_text("walferry-archive-get " WALFERRY_VERSION "\n") ? std::nullopt
                                                                             : std::optional(Outcome::failed);
        case Request::fetch:
            break;
    }
    return get::get(line.options);
}

}  // namespace

int main(int argc, char** argv) {
    os::occupy_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    Outcome outcome = Outcome::failed;
    try {
        const auto done = run(argc, argv);
        if (!done) return 0;
        outcome = *done;
    } catch (const Error& error) {
        say(error.what());
    } catch (const std::exception& error) {
        say("internal error: " + std::string(error.what()));
    } catch (...) {
        say("internal error");
    }
    if (outcome == Outcome::restored) return exit_code(outcome, false);
    // The rule for standbys holds for a command line that cannot be read, too.
    bool standby = false;
    try {
        standby = DataDirectory(argc > 1 ? argv[argc - 1] : "", argc > 2 ? argv[argc - 2] : "").is_standby();
    } catch (...) {
        say("internal error: out of memory");
    }
    return exit_code(outcome, standby);
}
