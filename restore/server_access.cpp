#include "restore/server_access.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "archive/object_read.hpp"
#include "common/error.hpp"
#include "common/store/object_store.hpp"
#include "restore/fetch/spool_copy.hpp"
#include "server/programs.hpp"

namespace walferry::restore {
namespace {

void check_program(const std::string& path) {
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0)
        throw Error(ErrorKind::config, "cannot run " + path + ": " + std::strerror(errno));
}

void check_everything(const Settings& settings, const std::vector<std::string>& stores) {
    check_program(server::program_beside_this_one("walferry-archive-get"));
    check_program(server::program_beside_this_one("walferry"));
    const Settings theirs = load_settings(settings.file);
    archive::decode_options(theirs);
    for (const StoreSettings& store : theirs.stores) {
        if (std::find(stores.begin(), stores.end(), store.name) != stores.end())
            open_store(store, StoreAccess::restore);
    }
}

}  // namespace

void check_access(const server::ServerUser& user, const Settings& settings,
                  const std::vector<std::string>& stores) {
    try {
        const server::ActingAs acting(user);
        check_everything(settings, stores);
    } catch (const Error& error) {
        throw Error(
            ErrorKind::config, "the server's user " + user.name + " could not recover: " + error.message(),
            "its restore_command reads the configuration, the identity and the stores' credentials: make "
            "them root's, of a group of " +
                user.name + ", mode 0640. Nothing was written");
    }
}

bool can_use_spool(const server::ServerUser& user, const std::string& spool,
                   std::uint64_t system_identifier) {
    const server::ActingAs acting(user);
    if (::access(spool.c_str(), F_OK) != 0 && errno == ENOENT) return false;
    try {
        fetch::SpoolCopy(spool).waiting(system_identifier);
        return true;
    } catch (const Error& error) {
        throw Error(
            ErrorKind::config,
            "the server's user " + user.name + " cannot look into this host's spool: " + error.message(),
            "let it read the spool, where WAL may wait that no store has; if nothing of this cluster is "
            "in it, restore with --no-spool. Nothing was written");
    }
}

}  // namespace walferry::restore
