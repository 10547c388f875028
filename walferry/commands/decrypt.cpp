#include <CLI/CLI.hpp>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "common/codec/age/age.hpp"
#include "common/error.hpp"
#include "console/standard_io.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

std::vector<AgeIdentity> identities_in(const std::vector<std::string>& files) {
    std::vector<AgeIdentity> identities;
    for (const std::string& path : files) {
        std::vector<AgeIdentity> more = load_identities(path);
        std::move(more.begin(), more.end(), std::back_inserter(identities));
    }
    return identities;
}

int run(const std::vector<std::string>& files) {
    const std::vector<AgeIdentity> identities = identities_in(files);
    console::StandardOutput out;
    AgeDecryptor decryptor(identities, out);
    try {
        console::pump_standard_input(decryptor);
    } catch (const AgeError& error) {
        if (!out.used()) throw;
        throw Error(error.kind(), error.message(),
                    "discard what was written: it is authentic, but not all of it");
    }
    return 0;
}

}  // namespace

CommandBody declare_decrypt(CLI::App& app) {
    const auto files = std::make_shared<std::vector<std::string>>();
    app.add_option("-i,--identity", *files, "Decrypt with an identity in FILE; may be repeated")
        ->type_name("FILE")
        ->required()
        ->allow_extra_args(false);
    app.footer(
        "Reads an age file from standard input, writes its content to standard output, as it is\n"
        "authenticated. Only exit status 0 says that it is complete. Identity files are refused\n"
        "when everyone may read them. Needs no configuration.\n\n");
    return [files](const GlobalOptions&) { return run(*files); };
}

}  // namespace walferry::commands
