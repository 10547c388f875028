#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "common/codec/age/age_keys.hpp"
#include "common/os/secret_file.hpp"
#include "console/standard_io.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

void warn_of_readers() {
    struct stat found {};
    if (::fstat(STDOUT_FILENO, &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & S_IRWXO) != 0) {
        std::fputs(
            "walferry: warning: everyone on this host may use the file the key goes to; hint: chmod o= it, "
            "or use -o FILE\n",
            stderr);
    }
}

int run(const std::string& file) {
    const AgeIdentity identity = AgeIdentity::generate();
    const SecretText text = identity_file_text(identity);
    if (file.empty()) {
        warn_of_readers();
        console::StandardOutput out;
        out.write(as_bytes(text.view()));
        out.finish();
    } else {
        create_secret_file(file, "identity file", text);
    }
    // On a terminal the key's own comment has just said it.
    const bool shown = file.empty() && ::isatty(STDOUT_FILENO) == 1;
    if (!shown) std::fprintf(stderr, "Public key: %s\n", identity.recipient().text().c_str());
    return 0;
}

}  // namespace

CommandBody declare_keygen(CLI::App& app) {
    const auto file = std::make_shared<std::string>();
    app.add_option("-o,--output", *file, "Write the identity to FILE (mode 0600); never replaces one")
        ->type_name("FILE");
    app.footer(
        "Makes an age identity, in the form that age-keygen and age use. What it prints as the\n"
        "public key goes into encryption.recipients of every host that archives. The identity\n"
        "itself belongs only on hosts that restore, and in a safe: without it nothing that was\n"
        "archived can be read again, by anyone.\n\n");
    return [file](const GlobalOptions&) { return run(*file); };
}

}  // namespace walferry::commands
