#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <mutex>
#include <optional>

#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/settings_values.hpp"
#include "common/size_text.hpp"
#include "console/signals.hpp"
#include "maintenance/verify/verify.hpp"
#include "maintenance/verify/verify_report.hpp"
#include "uploader/drain/progress.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

// Slower, and a transfer lasts longer than a store that hangs may take.
constexpr std::uint64_t least_rate = 64 * 1024;

struct Options {
    verify::VerifyOptions verify;
    std::string max_bytes, longest, rate;
    bool json = false;
};

std::uint64_t size_of(const char* option, std::string text, std::uint64_t least) {
    const std::string given = text;
    if (text.ends_with("/s")) text.resize(text.size() - 2);
    const auto size = parse_size(text);
    if (size && *size >= least) return *size;
    throw Error(ErrorKind::usage,
                std::string(option) + " " + given + " is no size from " + std::to_string(least) + " on",
                "such as 10GiB, 512MB or 1000000");
}

void read_texts(const Options& given, verify::VerifyOptions& options) {
    if (!given.max_bytes.empty()) options.max_bytes = size_of("--max-bytes", given.max_bytes, 1);
    if (!given.rate.empty()) options.rate = size_of("--rate", given.rate, least_rate);
    if (given.longest.empty()) return;
    options.longest = parse_duration(given.longest);
    if (!options.longest || options.longest->count() == 0)
        throw Error(ErrorKind::usage, "--for " + given.longest + " is no time", "such as 2h, 90m or 30s");
}

int run(const GlobalOptions& global, const Options& given) {
    const console::StopOnSignal signals;  // before any thread is started
    verify::VerifyOptions options = given.verify;
    read_texts(given, options);
    const Settings settings = load_settings(settings_path(global.config));
    drain::Progress progress(::isatty(STDERR_FILENO) == 1);
    options.stop = signals.token();
    options.say = [&](const std::string& line) { progress.say(line); };
    std::optional<drain::Progress::Shown> shown;
    return verify::verify(
        settings, options,
        [&](const verify::VerifyView* view) {
            shown.reset();
            if (view == nullptr) return;
            shown.emplace(progress, [view](std::chrono::milliseconds elapsed, std::size_t) {
                return verify::verify_line(*view, elapsed);
            });
        },
        [&](const verify::VerifyResult& result) {
            const std::string text = given.json ? verify::verify_json(result) : verify::verify_text(result);
            std::fputs(text.c_str(), stdout);
            if (std::fflush(stdout) != 0) throw Error(ErrorKind::io, "cannot write to standard output");
        });
}

}  // namespace

CommandBody declare_verify(CLI::App& app) {
    auto options = std::make_shared<Options>();
    verify::VerifyOptions& verify = options->verify;
    add_stores(app, "--only", verify.stores.only, "Only this store; may be given more than once");
    add_stores(app, "--without", verify.stores.without,
               "Leave this store out, also as a source to heal from");
    app.add_flag("--heal", verify.heal,
                 "Replace what is damaged, and bring what is missing, from a store that has it sound");
    app.add_flag("--all", verify.all, "Read everything, not only what is due; the longest unread first");
    app.add_option("--max-bytes", options->max_bytes,
                   "Read at most this much of each store, the longest unread first, due or not: 10GiB")
        ->type_name("SIZE");
    app.add_option("--for", options->longest, "Read for this long, the longest unread first, due or not: 2h")
        ->type_name("TIME");
    app.add_option("--rate", options->rate, "Read at most this much a second of each store: 10MiB")
        ->type_name("SIZE");
    app.add_flag("--json", options->json, "As JSON");
    app.footer(
        "Every object's name ends in the hash of its bytes, so that no key is needed to see that they\n"
        "are what was put. With an identity they are decrypted and decompressed as well, and what\n"
        "they say of themselves is compared with their names.\n"
        "Run daily without a budget, it reads each object once in [verify] every (30 days). What was\n"
        "read is remembered in the ledger, or in the file [verify] state; a run that is killed loses\n"
        "the object under way.\n"
        "Damage is read twice before it is called that, and ends a run with 3, as new once and then as\n"
        "known. Healing writes only bytes that came from another store and hash to the name.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
