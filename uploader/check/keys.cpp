#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/codec/age_keys.hpp"
#include "common/codec/signing.hpp"
#include "common/error.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/check/handed_over.hpp"
#include "uploader/check/look.hpp"
#include "uploader/server/archive_command.hpp"

namespace walferry {
namespace {

void look_at_recipients(const Settings& settings, Findings& findings) {
    if (!settings.encrypt) {
        findings.warn(finding_id::unencrypted, "objects are stored unencrypted (none = true)");
        return;
    }
    // One that is none would have kept the configuration from being read.
    const std::size_t count = settings.recipients.size();
    findings.pass(finding_id::recipients,
                  std::to_string(count) + (count == 1 ? " recipient" : " recipients"));
}

/// Where an identity would be: the configured place, else beside the configuration.
std::string identity_place(const Settings& settings) {
    if (!settings.identity_file.empty()) return settings.identity_file;
    return settings.file.substr(0, settings.file.rfind('/') + 1) + "identity.txt";
}

void match_identity(const Settings& settings, const std::string& place, Findings& findings) {
    try {
        for (const AgeIdentity& identity : load_identities(place)) {
            const auto& ours = settings.recipients;
            if (std::find(ours.begin(), ours.end(), identity.recipient().text()) != ours.end()) {
                findings.pass(finding_id::identity_match, place + " belongs to a recipient");
                return;
            }
        }
        findings.fail(finding_id::identity_match,
                      "no recipient of the configuration belongs to the identity in " + place);
    } catch (const Error& error) {
        findings.warn(finding_id::identity_match, error.message(), error.hint());
    }
}

bool archives_here(const CheckContext& context) {
    return context.server && context.server->archive_mode != "off" &&
           (context.server->runs_push_by_script ||
            parse_archive_command(context.server->archive_command).kind == ArchiveCommand::Kind::push);
}

void look_at_identity(const CheckContext& context, Findings& findings) {
    if (!context.settings.encrypt) return;
    const std::string place = identity_place(context.settings);
    struct stat status {};
    if (::stat(place.c_str(), &status) != 0) {
        if (errno == ENOENT)
            findings.pass(finding_id::identity_here,
                          "no identity on this host: it can archive, and not decrypt");
        else
            findings.skip(finding_id::identity_here, "whether there is an identity at " + place +
                                                         " is not to be seen: " + std::strerror(errno));
        return;
    }
    match_identity(context.settings, place, findings);
    if (archives_here(context)) {
        findings.warn(
            finding_id::identity_here, "the private key " + place + " lies on a host that archives",
            "move it to the hosts that restore and to a safe; once it is safe there: shred -u " + place);
    }
}

void look_at_writer_key(const Settings& settings, Findings& findings) {
    if (settings.signing_key_file.empty()) {
        findings.pass(finding_id::writer_key, "objects are not signed (no signing.key_file)");
        return;
    }
    try {
        const WriterKey key = WriterKey::load(settings.signing_key_file);
        findings.pass(
            finding_id::writer_key,
            "objects are signed with " + settings.signing_key_file +
                (handed_over(settings.signing_key_file) ? ", which systemd hands to the drain" : ""));
        const auto& trusted = settings.trusted_writers;
        if (trusted.empty()) return;
        if (std::find(trusted.begin(), trusted.end(), key.public_key()) == trusted.end()) {
            findings.fail(finding_id::trusted_writers,
                          "trusted_writers does not hold this host's own public key " + key.public_key(),
                          "add \"" + key.public_key() + "\" to trusted_writers in " + settings.file +
                              ", here and on the hosts that restore");
        } else {
            findings.pass(finding_id::trusted_writers, "this host's key is among the trusted writers");
        }
    } catch (const Error& error) {
        findings.fail(finding_id::writer_key, error.message(), error.hint());
    }
}

}  // namespace

void look_at_keys(const CheckContext& context, Findings& findings, Facts&) {
    look_at_recipients(context.settings, findings);
    look_at_identity(context, findings);
    if (context.users.uploader) {
        if (!handed_over(context.settings.signing_key_file)) become(*context.users.uploader);
        look_at_writer_key(context.settings, findings);
    } else if (!context.settings.signing_key_file.empty()) {
        findings.skip(finding_id::writer_key, "the uploader's user is not known");
    }
}

}  // namespace walferry
