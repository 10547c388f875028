#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <sstream>
#include <system_error>

#include "common/error.hpp"
#include "common/os/os.hpp"
#include "console/escaped_output.hpp"
#include "console/exit_code.hpp"
#include "console/signals.hpp"
#include "walferry/command_line.hpp"

namespace {

using namespace walferry;

int run(int argc, char** argv) {
    CLI::App app;
    commands::GlobalOptions global;
    commands::CommandBody chosen;
    declare_command_line(app, global, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // Not through std::cout and std::cerr, which neither escape what they print nor notice a full disk
        // here.
        std::ostringstream out;
        std::ostringstream err;
        const int code = app.exit(error, out, err);
        std::fputs(out.str().c_str(), stdout);
        std::fputs(err.str().c_str(), stderr);
        return code == 0 ? console::exit_code::done : console::exit_code::usage;
    }
    return chosen(global);
}

/// As `head` leaves.
bool reader_has_left() {
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int main(int argc, char** argv) {
    os::occupy_standard_descriptors();
    console::prepare_signals();
    try {
        console::escape_standard_output();
        const int code = run(argc, argv);
        // A full disk behind stdout must not look like success; a reader who has seen enough is no failure.
        const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
        if (!written && !reader_has_left()) throw Error(ErrorKind::io, "cannot write to standard output");
        return code;
    } catch (const Error& error) {
        std::fprintf(stderr, "walferry: %s\n", one_line(error.message()).c_str());
        if (!error.hint().empty())
            std::fprintf(stderr, "walferry: hint: %s\n", one_line(error.hint()).c_str());
        return traits(error.kind()).exit_code;
    } catch (const std::bad_alloc&) {
        std::fprintf(
            stderr,
            "walferry: out of memory\nwalferry: hint: raise the limit (ulimit -v), or use fewer `jobs`\n");
        return console::exit_code::failed;
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "walferry: %s\nwalferry: hint: is there a limit on processes (ulimit -u)?\n",
                     one_line(error.what()).c_str());
        return console::exit_code::failed;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "walferry: internal error: %s\n", one_line(error.what()).c_str());
        return console::exit_code::failed;
    }
}
