#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>

#include "archive/archive_view.hpp"
#include "archive/object_read.hpp"
#include "common/error.hpp"
#include "common/os/durable_file.hpp"
#include "common/os/restore_place.hpp"
#include "common/program/fetch_exit.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/settings_values.hpp"
#include "common/settings/store_selection.hpp"
#include "common/wal/pg_control.hpp"
#include "console/exit_code.hpp"
#include "restore/fetch/helper.hpp"
#include "restore/fetch/segment_fetcher.hpp"
#include "restore/restore_command.hpp"
#include "server/setting_line.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

// Where walferry-archive-get leaves them (archive-get/walferry_program.hpp).
constexpr int listening_descriptor = 3;
constexpr int directory_descriptor = 4;
// Somebody who gives less than this has no time for the configured limits either.
constexpr std::chrono::seconds hurry{15};
// A standby is told something within five seconds, whatever hangs.
constexpr unsigned standby_alarm = 6;
constexpr int failed = 255;

struct Options {
    std::string name, destination;
    StoreSelection stores;
    std::string spool;
    bool no_spool = false;
    std::string data_directory;
    bool standby = false;
    std::uint64_t system_identifier = 0;
    std::string timeout;
    bool serve = false;
    pid_t with_process = 0;
};

void say(const std::string& line) {
    std::fprintf(stderr, "walferry: %s\n", one_line(line).c_str());
}

/// restore_command as it was, and without the stores that did not answer, to be pasted.
std::string restore_command_without(const GlobalOptions& global, const Options& options,
                                    const std::vector<std::string>& unreachable) {
    restore::RestoreCommand command;
    command.program = "walferry-archive-get";
    if (global.config) command.configuration = *global.config;
    command.stores = options.stores;
    command.stores.without.insert(command.stores.without.end(), unreachable.begin(), unreachable.end());
    if (!options.spool.empty()) command.spool = options.spool;
    command.no_spool = options.no_spool;
    if (options.system_identifier != 0) command.system_identifier = options.system_identifier;
    return "restore_command = " + server::quote_setting(command.text()) +
           " (of a server that walferry restore set up: in pg_wal/walferry-recovery.conf)";
}

/// Empty for none. With --only the stores that are named are what the caller wants to know about.
std::string spool_of(const Options& options, const Settings& settings) {
    if (!options.spool.empty()) return options.spool;
    return options.no_spool || !options.stores.asks_all() ? std::string() : settings.spool;
}

/// The segment is written beside its destination, and has no name there until it is whole.
class DestinationFile : public Sink {
  public:
    explicit DestinationFile(const RestorePlace& place)
        : file_(place.directory, place.directory, place.name, place.mode()) {}
    void write(Bytes bytes) override { file_.write(bytes); }
    void finish() override { file_.sync(); }
    void take_its_name() { file_.replace(); }

  private:
    DurableFile file_;
};

/// At once: a store that still hangs would hold up the end.
[[noreturn]] void leave(int code) {
    std::fflush(nullptr);
    std::_Exit(code);
}

[[noreturn]] void give_up(const GlobalOptions& global, const Options& options, const WalName& name,
                          const fetch::Attempt& attempt, std::size_t stores) {
    const Error& trouble = *attempt.trouble;
    std::string hint = trouble.hint();
    if (!attempt.unreachable.empty() && attempt.unreachable.size() < stores) {
        if (!hint.empty()) hint += "; ";
        hint +=
            "recovery stops here rather than end too early, and goes on once the store answers; where it is "
            "gone for "
            "good: " +
            restore_command_without(global, options, attempt.unreachable);
    } else if (!attempt.unreachable.empty()) {
        if (!hint.empty()) hint += "; ";
        hint += "recovery stops here rather than end too early; start the server again once a store answers";
    }
    throw Error(trouble.kind(), "cannot restore " + name.text + ": " + trouble.message(), hint);
}

fetch::Asker asker_of(const Options& options, const Settings& settings) {
    if (!options.standby) return fetch::Asker::recovery;
    return settings.standby == StandbyRule::strict ? fetch::Asker::strict_standby : fetch::Asker::standby;
}

std::string data_directory_of(const Options& options) {
    if (!options.data_directory.empty()) return options.data_directory;
    const std::string control_file = "/global/pg_control";
    const std::string beside = control_file_beside(options.destination);
    for (const std::string& directory :
         {std::string("."), beside.substr(0, beside.size() - control_file.size())}) {
        if (::access((directory + control_file).c_str(), F_OK) == 0) return directory;
    }
    return {};
}

std::chrono::milliseconds time_to_try(const Options& options, const Settings& settings, bool may_wait) {
    if (options.timeout.empty() || may_wait) return settings.restore_timeout;
    const auto given = parse_duration(options.timeout);
    if (!given)
        throw Error(ErrorKind::usage, "--timeout: \"" + options.timeout + "\" is no time", "5s, 500ms");
    return *given;
}

/// Ends the process, unless it throws.
[[noreturn]] void bring(const GlobalOptions& global, const Options& options, const Settings& settings,
                        const archive::ViewOptions& asked, fetch::Asker asker, const WalName& name,
                        const RestorePlace& place, std::chrono::steady_clock::time_point deadline) {
    const DecodeOptions decoding = archive::decode_options(settings);
    archive::ArchiveView view(settings, asked);
    const fetch::RecoveryWay way(place.directory, data_directory_of(options),
                                 asker == fetch::Asker::recovery ? fetch::RecoveryWay::Unknown::refused
                                                                 : fetch::RecoveryWay::Unknown::newest);
    fetch::FetchContext context{asker, spool_of(options, settings), &way};
    context.for_server = place.name == "RECOVERYXLOG" || place.name == "RECOVERYHISTORY";
    fetch::SegmentFetcher fetcher(view, decoding, context);
    const fetch::Attempt attempt = fetcher.persist(
        name, deadline, [&] { return std::make_shared<DestinationFile>(place); }, say);
    switch (attempt.end) {
        case fetch::Attempt::End::fetched:
            static_cast<DestinationFile&>(*attempt.file).take_its_name();
            leave(fetch_exit::restored);
        case fetch::Attempt::End::absent:
            if (asker != fetch::Asker::standby)
                say(name.text +
                    " is not in the archive: every store that was asked answered that it has none");
            leave(fetch_exit::absent);
        case fetch::Attempt::End::failed:
            break;
    }
    if (asker == fetch::Asker::standby) {
        const Error& trouble = *attempt.trouble;
        throw Error(trouble.kind(), "cannot restore " + name.text + ": " + trouble.message());
    }
    give_up(global, options, name, attempt, view.size());
}

int fetch_one(const GlobalOptions& global, const Options& options, const Settings& settings,
              archive::ViewOptions asked) {
    const auto name = WalName::parse(options.name);
    if (!name) throw Error(ErrorKind::usage, "\"" + options.name + "\" is not a WAL file's name");
    const RestorePlace place(options.destination);
    const fetch::Asker asker = asker_of(options, settings);
    // Of a standby that lives on the archive alone: without an answer it has to stop.
    const bool stops = asker == fetch::Asker::strict_standby && name->kind == WalKind::history;
    const std::chrono::milliseconds timeout = time_to_try(options, settings, stops);
    asked.hurried = timeout < hurry;
    asked.one_is_enough = asker == fetch::Asker::standby;
    const auto deadline = std::chrono::steady_clock::now() + timeout;

    try {
        bring(global, options, settings, asked, asker, *name, place, deadline);
    } catch (const Error& error) {
        say(error.what());
        leave(stops ? fetch_exit::stop : traits(error.kind()).exit_code);
    }
}

int serve(const Options& options, const Settings& settings, archive::ViewOptions asked) {
    asked.one_is_enough = asker_of(options, settings) == fetch::Asker::standby;
    asked.hurried = asked.one_is_enough;
    // Where the server is the first process of a container, it reaps us, and takes a death by signal for a
    // crash of its own.
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
        std::signal(signal, [](int) { std::_Exit(0); });
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(listening_descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
        throw Error(ErrorKind::usage,
                    "--serve is for walferry-archive-get, which leaves a socket to listen on");
    const DecodeOptions decoding = archive::decode_options(settings);
    fetch::FetchHelper helper(
        settings, asked, decoding,
        {{asker_of(options, settings), spool_of(options, settings), nullptr, true},
         Directory{Fd(directory_descriptor), "pg_wal"},
         options.data_directory,
         Fd(listening_descriptor),
         options.with_process > 0 ? std::optional(options.with_process) : std::nullopt});
    helper.serve();
    std::_Exit(0);
}

/// Whatever hangs, the configuration's file included. A standby that lives on the archive alone is not told
/// so.
void set_alarm() {
    std::signal(SIGALRM, [](int) {
        constexpr std::string_view text = "walferry: no end in time; the standby asks again\n";
        (void)!::write(2, text.data(), text.size());
        std::_Exit(failed);
    });
    ::alarm(standby_alarm);
}

int run(const GlobalOptions& global, const Options& options) {
    if (options.standby && !options.serve) set_alarm();
    const Settings settings = load_settings(settings_path(global.config));
    archive::ViewOptions asked;
    asked.stores = options.stores;
    if (options.system_identifier != 0) asked.system_identifier = options.system_identifier;
    if (asker_of(options, settings) != fetch::Asker::standby) ::alarm(0);
    if (options.serve) return serve(options, settings, asked);
    if (options.name.empty() || options.destination.empty())
        throw Error(ErrorKind::usage, "NAME and DEST are both needed",
                    "as restore_command gives them: %f %p");
    return fetch_one(global, options, settings, asked);
}

}  // namespace

CommandBody declare_fetch(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("NAME", options->name, "The WAL file");
    app.add_option("DEST", options->destination, "Where it is to appear");
    add_stores(app, "--only", options->stores.only,
               "Ask this store only (may be repeated), and not the spool");
    add_stores(app, "--without", options->stores.without, "Do without this store (may be repeated)");
    app.add_option("--spool", options->spool, "Look into this spool first; default: the configuration's")
        ->type_name("DIR");
    app.add_flag("--no-spool", options->no_spool, "This host has no spool: ask the stores only");
    app.add_option("--system-identifier", options->system_identifier,
                   "The cluster's, where the archive holds several")
        ->type_name("N");
    app.add_option("--timeout", options->timeout,
                   "How long to try; default: restore.timeout of the configuration")
        ->type_name("TIME");
    app.add_option("--data-directory", options->data_directory)->group("");
    app.add_flag("--standby", options->standby)->group("");
    app.add_flag("--serve", options->serve)->group("");
    app.add_option("--with-process", options->with_process)->group("");
    app.footer(
        "What walferry-archive-get runs; restore_command calls that, because it knows what PostgreSQL must\n"
        "be told. Looks in the spool, then in the stores. Everything is checked before DEST appears.\n"
        "Needs encryption.identity_file.\n\n"
        "Ends with 44, and with nothing else, where every store answered twice that it has neither the file\n"
        "nor anything later, on its timeline or on one that leads on from it, and the spool, which was\n"
        "looked into, has neither.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
