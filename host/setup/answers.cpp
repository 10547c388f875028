#include "host/setup/answers.hpp"

#include <cstdio>

#include "common/codec/age/age_keys.hpp"
#include "common/error.hpp"
#include "host/setup/questions.hpp"
#include "host/setup/server_setup.hpp"

namespace walferry::setup {
namespace {

StoreChoice asked_store(std::size_t number) {
    const std::string where = ask("Store " + std::to_string(number) +
                                  ", https://HOST/BUCKET[/PREFIX] or /DIRECTORY (Enter: no more):");
    if (where.empty()) return {};
    std::string name = ask("A short name for it [store" + std::to_string(number) + "]:");
    if (name.empty()) name = "store" + std::to_string(number);
    if (where.starts_with('/')) return parse_directory_choice(name + "=" + where);
    StoreChoice store = parse_s3_choice(name + "=" + where);
    const std::string region = ask("Its region [" + store.region + "]:");
    if (!region.empty()) store.region = region;
    return store;
}

}  // namespace

void complete_stores(SetupOptions& options) {
    if (!options.stores.empty()) return;
    if (!can_ask()) {
        throw Error(ErrorKind::usage, "no store is named",
                    "--s3 NAME=https://HOST/BUCKET or --directory NAME=/PATH, twice for two stores");
    }
    for (std::size_t number = 1;; ++number) {
        StoreChoice store = asked_store(number);
        if (store.name.empty()) break;
        options.stores.push_back(std::move(store));
    }
    if (options.stores.empty()) throw Error(ErrorKind::usage, "without a store nothing can be archived");
}

void complete_recipients(SetupOptions& options) {
    if (!options.recipients.empty() || !options.identity_file.empty()) return;
    if (!can_ask()) {
        throw Error(ErrorKind::usage, "no recipient is named who may read the archive",
                    "--recipient age1…, a public key made elsewhere with `walferry keygen`; or --identity "
                    "FILE, which makes a pair here, for you to take away");
    }
    for (;;) {
        const std::string key = ask("Public key of who may restore, age1… (Enter: make a pair now):");
        try {
            if (key.empty())
                options.identity_file = usual_identity_file;
            else
                options.recipients.push_back(AgeRecipient::parse(key).text());
            return;
        } catch (const Error& error) {
            std::fprintf(stderr, "%s\n", error.message().c_str());
        }
    }
}

void complete_conninfo(SetupOptions& options) {
    if (!options.conninfo.empty()) return;
    const std::vector<std::string> ports = listening_ports();
    if (ports.size() <= 1) {
        if (!ports.empty() && ports[0] != "5432") options.conninfo = "port=" + ports[0];
        return;
    }
    std::string shown;
    for (const std::string& port : ports) shown += (shown.empty() ? "" : ", ") + port;
    const std::string hint = "--conninfo port=" + ports[0] + ", for example";
    if (!can_ask()) throw Error(ErrorKind::usage, "several servers run here, with the ports " + shown, hint);
    const std::string port = ask("Several servers run here. Port (" + shown + "):");
    options.conninfo = "port=" + port;
}

}  // namespace walferry::setup
