#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/codec/age/age_keys.hpp"
#include "common/codec/signing.hpp"
#include "common/error.hpp"
#include "common/shell_word.hpp"
#include "common/spool_paths.hpp"
#include "console/catalogue.hpp"
#include "host/check/handed_over.hpp"
#include "host/check/look.hpp"
#include "server/archive_command.hpp"

namespace walferry::check {
namespace {

constexpr const char* setup_identity_file = "/root/walferry-identity.txt";

void look_at_recipients(const Settings& settings, console::Findings& findings) {
    if (!settings.encrypt) {
        findings.warn(console::finding_id::unencrypted, "objects are stored unencrypted (none = true)");
        return;
    }
    // Its form was looked at when the configuration was read, its checksum was not.
    for (const std::string& recipient : settings.recipients) {
        try {
            AgeRecipient::parse(recipient);
        } catch (const Error& error) {
            findings.fail(console::finding_id::recipients, error.message());
            return;
        }
    }
    const std::size_t count = settings.recipients.size();
    findings.pass(console::finding_id::recipients,
                  std::to_string(count) + (count == 1 ? " recipient" : " recipients"));
}

/// Where an identity would be: the configured place, else beside the configuration; and where setup makes
/// one.
std::vector<std::string> identity_places(const CheckContext& context) {
    const Settings& settings = context.settings;
    std::vector<std::string> places{settings.identity_file.empty()
                                        ? settings.file.substr(0, settings.file.rfind('/') + 1) +
                                              "identity.txt"
                                        : settings.identity_file};
    if (context.users.root && places.front() != setup_identity_file) places.emplace_back(setup_identity_file);
    return places;
}

void match_identity(const Settings& settings, const std::string& place, console::Findings& findings) {
    try {
        for (const AgeIdentity& identity : load_identities(place)) {
            const auto& ours = settings.recipients;
            if (std::find(ours.begin(), ours.end(), identity.recipient().text()) != ours.end()) {
                findings.pass(console::finding_id::identity_match, place + " belongs to a recipient");
                return;
            }
        }
        findings.fail(console::finding_id::identity_match,
                      "no recipient of the configuration belongs to the identity in " + place);
    } catch (const Error& error) {
        if (error.os_error == EACCES || ::access(place.c_str(), R_OK) != 0) {
            findings.skip(console::finding_id::identity_match, "who runs this check may not read " + place);
        } else {
            findings.warn(console::finding_id::identity_match, error.message(), error.hint());
        }
    }
}

/// By the server's word; without it, where there is a spool.
bool archives_here(const CheckContext& context) {
    if (!context.server) return ::access(SpoolPaths(context.settings.spool).ready().c_str(), F_OK) == 0;
    return context.server->archive_mode != "off" &&
           (context.server->runs_push_by_script ||
            server::parse_archive_command(context.server->archive_command).kind ==
                server::ArchiveCommand::Kind::push);
}

/// False where there is none.
bool look_at_identity(const CheckContext& context, const std::string& place, console::Findings& findings) {
    struct stat status {};
    if (::stat(place.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        findings.skip(console::finding_id::identity_here, "whether there is an identity at " + place +
                                                              " is not to be seen: " + std::strerror(errno));
        return true;
    }
    match_identity(context.settings, place, findings);
    const bool needed =
        context.server && context.server->restore_command.find("walferry-archive-get") != std::string::npos;
    if (needed) {
        findings.pass(
            console::finding_id::identity_here,
            "the private key " + place +
                " lies here, and the server's restore_command needs it, as on a node "
                "that becomes a standby of the archive: who takes over this host can read the whole archive");
    } else if (archives_here(context)) {
        findings.warn(
            console::finding_id::identity_here, "the private key " + place + " lies on a host that archives",
            std::string(context.server ? "" : "unless the server's restore_command needs it: ") +
                "move it to the hosts that restore and to a safe; once it is safe there: `shred -u " +
                shell_word(place) + "`");
    }
    return true;
}

void look_at_identities(const CheckContext& context, console::Findings& findings) {
    if (!context.settings.encrypt) return;
    std::string looked_at;
    bool found = false;
    for (const std::string& place : identity_places(context)) {
        found = look_at_identity(context, place, findings) || found;
        looked_at += (looked_at.empty() ? "" : " nor at ") + place;
    }
    if (!found) findings.pass(console::finding_id::identity_here, "no identity at " + looked_at);
}

void look_at_writer_key(const Settings& settings, console::Findings& findings) {
    if (settings.signing_key_file.empty()) {
        findings.pass(console::finding_id::writer_key, "objects are not signed (no signing.key_file)");
        return;
    }
    try {
        const WriterKey key = WriterKey::load(settings.signing_key_file);
        findings.pass(
            console::finding_id::writer_key,
            "objects are signed with " + settings.signing_key_file +
                (handed_over(settings, settings.signing_key_file) ? ", which systemd hands to the drain"
                                                                  : ""));
        const auto& trusted = settings.trusted_writers;
        if (trusted.empty()) return;
        if (std::find(trusted.begin(), trusted.end(), key.public_key()) == trusted.end()) {
            findings.fail(console::finding_id::trusted_writers,
                          "trusted_writers does not hold this host's own public key " + key.public_key(),
                          "add \"" + key.public_key() + "\" to trusted_writers in " + settings.file +
                              ", here and on the hosts that restore");
        } else {
            findings.pass(console::finding_id::trusted_writers,
                          "this host's key is among the trusted writers");
        }
    } catch (const Error& error) {
        findings.fail(console::finding_id::writer_key, error.message(), error.hint());
    }
}

}  // namespace

void look_at_keys(const CheckContext& context, console::Findings& findings, Facts&) {
    look_at_recipients(context.settings, findings);
    look_at_identities(context, findings);
    if (context.users.uploader) {
        if (!handed_over(context.settings, context.settings.signing_key_file))
            server::become(*context.users.uploader);
        look_at_writer_key(context.settings, findings);
    } else if (!context.settings.signing_key_file.empty()) {
        findings.skip(console::finding_id::writer_key, "the uploader's user is not known");
    }
}

}  // namespace walferry::check
