#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>

#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/os/os.hpp"
#include "common/settings/settings.hpp"
#include "common/settings/store_selection.hpp"
#include "common/spool/spool_scan.hpp"
#include "common/store/object_buffer.hpp"
#include "restore/fetch/fetch.hpp"
#include "walferry/commands/declare.hpp"
#include "walferry/commands/store_options.hpp"

namespace walferry::commands {
namespace {

struct Options {
    std::string name;
    StoreSelection stores;
    std::uint64_t system_identifier = 0;
};

void write_out(Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_errno(errno, "write to standard output");
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

template <typename Read>
void copy_out(Read read) {
    std::vector<std::byte> buffer(256 * 1024);
    for (std::uint64_t offset = 0;;) {
        const std::size_t n = read(offset, MutableBytes(buffer));
        if (n == 0) return;
        write_out(Bytes(buffer).first(n));
        offset += n;
    }
}

// What still waits here needs no key and no network.
bool cat_from_spool(const SpoolPaths& spool, const Options& options) {
    SpoolScan scan;
    try {
        scan = scan_spool(spool);
    } catch (const Error&) {
        return false;  // a host that restores may have no spool
    }
    const SpoolFile* found = nullptr;
    for (const SpoolFile& file : scan.files) {
        if (file.name.text != options.name) continue;
        if (options.system_identifier != 0 && file.system_identifier != options.system_identifier) continue;
        if (found)
            throw Error(ErrorKind::usage, options.name + " is in the spool for two clusters",
                        "say which one with --system-identifier");
        found = &file;
    }
    if (!found) return false;
    const Fd fd = open_spool_file(spool, *found);
    if (!fd) return false;
    copy_out([&](std::uint64_t offset, MutableBytes out) {
        return os::read_at(fd.get(), out, offset, options.name);
    });
    return true;
}

int run(const GlobalOptions& global, const Options& options) {
    const Settings settings = load_settings(settings_path(global.config));
    const auto name = WalName::parse(options.name);
    if (!name)
        throw Error(ErrorKind::usage, options.name + " is not a WAL file's name",
                    "24 upper-case hexadecimal digits, or a .history, .backup or .partial file");
    if (options.stores.asks_all() && cat_from_spool(SpoolPaths(settings.spool), options)) return 0;

    archive::ViewOptions view;
    view.stores = options.stores;
    if (options.system_identifier != 0) view.system_identifier = options.system_identifier;
    BlockPool pool;
    // Nothing is written out before everything was checked.
    const auto file = fetch::fetch_from_stores(
        settings, view, *name, [&] { return std::make_shared<ObjectBuffer>(pool, settings.work_dir); },
        [](const std::string& line) { std::fprintf(stderr, "walferry: %s\n", one_line(line).c_str()); });
    auto& buffer = static_cast<ObjectBuffer&>(*file);
    copy_out([&](std::uint64_t offset, MutableBytes out) { return buffer.read_at(offset, out); });
    return 0;
}

}  // namespace

CommandBody declare_cat(CLI::App& app) {
    auto options = std::make_shared<Options>();
    app.add_option("NAME", options->name, "The segment")->required();
    add_stores(app, "--only", options->stores.only,
               "Ask this store only (may be repeated), and not the spool");
    app.add_option("--system-identifier", options->system_identifier,
                   "The cluster's, where the archive holds several")
        ->type_name("N");
    app.footer(
        "Looks in the spool, then in the stores, in the order of the configuration. Everything is\n"
        "checked before the first byte is written. Needs encryption.identity_file.\n\n");
    return [options](const GlobalOptions& global) { return run(global, *options); };
}

}  // namespace walferry::commands
