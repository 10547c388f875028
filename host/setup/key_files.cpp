#include "host/setup/key_files.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "common/codec/age/age_keys.hpp"
#include "common/codec/signing.hpp"
#include "common/error.hpp"
#include "common/store/credentials.hpp"
#include "host/setup/public_files.hpp"
#include "host/setup/questions.hpp"

namespace walferry::setup {
namespace {

SecretText credentials_text(std::string_view access, std::string_view secret) {
    static constexpr std::string_view head = "[default]\naws_access_key_id = ";
    static constexpr std::string_view middle = "\naws_secret_access_key = ";
    SecretText text(head.size() + access.size() + middle.size() + secret.size() + 1);
    for (const std::string_view part : {head, access, middle, secret, std::string_view("\n")})
        text.append(part);
    return text;
}

SecretText asked_credentials(const StoreChoice& store) {
    const std::string place = store.name + " (" + store.endpoint + ", bucket " + store.bucket + ")";
    const std::string access = ask("Access key ID for " + place + ":");
    const SecretText secret = ask_secret("Secret access key for " + store.name + " (not shown):");
    return credentials_text(access, secret.view());
}

/// Who called sudo may name files of their own: they are only read, and root could read them anyway.
std::optional<uid_t> caller_of_sudo() {
    const char* text = std::getenv("SUDO_UID");
    if (::geteuid() != 0 || text == nullptr) return std::nullopt;
    const std::string_view digits = text;
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return uid;
}

SecretText copy_of(const SecretText& text) {
    SecretText copy(text.view().size());
    copy.append(text.view());
    return copy;
}

}  // namespace

KeyFolder::KeyFolder(const std::string& folder) : folder_(folder) {
    make_folder(folder_, 0755);
    make_folder(path("credentials"), 0700);
}

std::string KeyFolder::store_keys_name(const std::string& cluster, const StoreChoice& store) {
    return "credentials/" + cluster + "-" + store.name;
}

void KeyFolder::take_store_keys(const std::string& cluster, const StoreChoice& store) {
    const std::string file = path(store_keys_name(cluster, store));
    static constexpr const char* what = "credentials file";
    if (exists(file)) {
        const Credentials present(read_secret_file(file, what), file);
        if (store.keys_from.empty() ||
            present ==
                Credentials(read_secret_file(store.keys_from, what, caller_of_sudo()), store.keys_from))
            return;
        throw Error(ErrorKind::config, file + " is there already, with other keys than " + store.keys_from,
                    "move it away if nothing needs it any more");
    }
    if (store.keys_from.empty() && !can_ask()) {
        throw Error(ErrorKind::usage, "there are no keys for store " + store.name,
                    "--keys " + store.name + "=FILE takes them from a file in the form of AWS's tools");
    }
    const SecretText text = store.keys_from.empty()
                                ? asked_credentials(store)
                                : read_secret_file(store.keys_from, what, caller_of_sudo());
    // Whatever is no such file is refused before it is kept.
    const Credentials checked(copy_of(text), store.keys_from.empty() ? file : store.keys_from);
    create_secret_file(file, what, text);
    made_.push_back(file + ": the keys of store " + store.name);
}

std::pair<std::string, std::string> KeyFolder::writer_key() {
    const std::string name = "credentials/writer.key";
    const std::string file = path(name);
    if (!exists(file)) {
        WriterKey::generate().save(file);
        made_.push_back(file + ": what this host signs with");
    }
    return {name, WriterKey::load(file).public_key()};
}

std::string KeyFolder::authority_name(const std::string& cluster, const StoreChoice& store) {
    return cluster + "-" + store.name + ".ca.pem";
}

void KeyFolder::take_authority(const std::string& cluster, const StoreChoice& store) {
    const std::string file = path(authority_name(cluster, store));
    const std::string text = read_authority(store.ca_file);
    if (!exists(file)) {
        create_public_file(file, text);
        made_.push_back(file + ": the authority of store " + store.name);
    } else if (read_authority(file) != text) {
        throw Error(ErrorKind::config,
                    file + " is there already, and is another authority than " + store.ca_file,
                    "move it away if nothing needs it any more");
    }
}

std::string read_authority(const std::string& file) {
    std::string text = read_public_file(file, "authority's certificate");
    if (text.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
        throw Error(ErrorKind::config, file + " holds no certificate in PEM form",
                    "it has a line -----BEGIN CERTIFICATE-----; openssl x509 -inform DER -in FILE makes one "
                    "of the other form");
    }
    return text;
}

std::string recipient_of_identity(const std::string& file) {
    const SecretText text = read_secret_file(file, "identity file", caller_of_sudo());
    return parse_identities(text.view(), file).front().recipient().text();
}

std::string recipient_of_new_identity(const std::string& file) {
    if (exists(file)) return recipient_of_identity(file);
    const AgeIdentity identity = AgeIdentity::generate();
    create_secret_file(file, "identity file", identity_file_text(identity));
    return identity.recipient().text();
}

}  // namespace walferry::setup
