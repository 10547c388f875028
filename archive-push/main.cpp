#include <exception>
#include <string>

#include "archive-push/exit_code.hpp"
#include "archive-push/message.hpp"
#include "archive-push/options.hpp"
#include "archive-push/process.hpp"
#include "archive-push/push.hpp"

using namespace walferry;
using namespace walferry::push;

namespace {

int run(int argc, char** argv) {
    const CommandLine line = parse_command_line(argc, argv);
    switch (line.request) {
        case Request::help:
            return print_text(help_text(program_text())) ? archived : retry;
        case Request::version:
            return print_text("walferry-archive-push " WALFERRY_VERSION "\n") ? archived : retry;
        case Request::archive:
            break;
    }
    walferry::push::push(line.options);
    return archived;
}

}  // namespace

int main(int argc, char** argv) {
    prepare_process();
    try {
        return run(argc, argv);
    } catch (const Error& error) {
        say(error.what());
        return exit_code(error.kind());
    } catch (const std::exception& error) {
        say("internal error: " + std::string(error.what()) + "; not archived, PostgreSQL will retry");
    } catch (...) {
        say("internal error; not archived, PostgreSQL will retry");
    }
    return exit_code(ErrorKind::internal);
}
