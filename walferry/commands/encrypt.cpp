#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/codec/age/age.hpp"
#include "common/error.hpp"
#include "console/standard_io.hpp"
#include "walferry/commands/declare.hpp"

namespace walferry::commands {
namespace {

struct EncryptOptions {
    std::vector<std::string> recipients;
    std::vector<std::string> files;
};

std::string read_recipients_file(const std::string& path) {
    constexpr std::size_t max_size = 64 * 1024;
    std::ifstream file(path, std::ios::binary);
    std::string text(max_size + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    // read() sets failbit at the end of the file, badbit where reading failed.
    if (!file.is_open() || file.bad()) {
        throw Error(ErrorKind::config,
                    "cannot read the recipients file " + path + ": " + std::strerror(errno));
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > max_size) {
        throw Error(ErrorKind::config, "the recipients file " + path + " is larger than 64 KiB");
    }
    return text;
}

std::vector<AgeRecipient> recipients_of(const EncryptOptions& options) {
    std::vector<AgeRecipient> recipients;
    for (const std::string& text : options.recipients) recipients.push_back(AgeRecipient::parse(text));
    for (const std::string& path : options.files) {
        for (AgeRecipient& recipient : parse_recipients(read_recipients_file(path), path)) {
            recipients.push_back(std::move(recipient));
        }
    }
    if (recipients.empty()) {
        throw Error(ErrorKind::usage, "no recipient was named", "give -r RECIPIENT or -R FILE, or several");
    }
    return recipients;
}

int run(const EncryptOptions& options) {
    const std::vector<AgeRecipient> recipients = recipients_of(options);
    if (::isatty(STDOUT_FILENO) == 1) {
        throw Error(ErrorKind::usage, "encrypted data is not for a terminal",
                    "redirect standard output to a file");
    }
    console::StandardOutput out;
    AgeEncryptor encryptor(recipients, out);
    console::pump_standard_input(encryptor);
    return 0;
}

}  // namespace

CommandBody declare_encrypt(CLI::App& app) {
    const auto options = std::make_shared<EncryptOptions>();
    app.add_option("-r,--recipient", options->recipients,
                   "Encrypt to this public key (age1…); may be repeated")
        ->type_name("RECIPIENT")
        ->allow_extra_args(false);
    app.add_option("-R,--recipients-file", options->files, "Encrypt to every public key in FILE, one a line")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.footer(
        "Reads standard input, writes an age file to standard output. Any one of the recipients\n"
        "can decrypt it, with walferry decrypt or with age -d. Needs no configuration.\n\n");
    return [options](const GlobalOptions&) { return run(*options); };
}

}  // namespace walferry::commands
