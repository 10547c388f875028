#include "host/check/remedies.hpp"

#include <grp.h>
#include <pwd.h>

#include "common/program/configuration_path.hpp"
#include "common/settings/settings.hpp"
#include "common/shell_word.hpp"
#include "host/setup/units.hpp"
#include "server/server_connection.hpp"
#include "server/sql_text.hpp"

namespace walferry::check {
namespace {

std::string drain_timer(const Settings& settings) {
    const std::vector<std::string> timers = setup::timers_for(settings.file);
    return timers.empty() ? std::string() : timers.front();
}

std::string walferry_words(const Settings& settings) {
    return settings.file == usual_configuration ? "walferry"
                                                : "walferry --config " + shell_word(settings.file);
}

std::string drain_by_hand(const CheckContext& context) {
    const std::string command = walferry_words(context.settings) + " drain";
    const auto& user = context.users.uploader;
    if (!context.users.root || !user || user->uid == 0) return "`" + command + "`";
    if (::getpwnam(user->name.c_str()) == nullptr) return "as user " + user->name + ": `" + command + "`";
    return "`runuser -u " + shell_word(user->name) + " -- " + command + "`";
}

std::string group_name(gid_t gid) {
    const group* entry = ::getgrgid(gid);
    return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

}  // namespace

std::string drain_service(const Settings& settings) {
    static constexpr std::string_view suffix = ".timer";
    const std::string timer = drain_timer(settings);
    return timer.empty() ? timer : timer.substr(0, timer.size() - suffix.size()) + ".service";
}

std::string how_to_drain(const CheckContext& context) {
    const std::string timer = drain_timer(context.settings);
    // By hand the service too: systemd alone may have the keys.
    if (!timer.empty())
        return "`systemctl enable --now " + timer + "`; once, now: `systemctl start " +
               drain_service(context.settings) + "`";
    return drain_by_hand(context) + "; from cron, or with --follow, it goes on by itself";
}

std::string how_to_see_a_drain(const CheckContext& context) {
    const std::string service = drain_service(context.settings);
    return service.empty() ? drain_by_hand(context) + ", and see what it says"
                           : "`journalctl --unit " + service + " --lines 50` has what it said";
}

console::RemedyWords remedy_words(const CheckContext& context,
                                  const std::optional<SpoolTraces::Owner>& spool) {
    console::RemedyWords words;
    words.walferry = walferry_words(context.settings);
    if (context.users.server) words.owner = shell_word(context.users.server->name);
    // A spool that root alone may enter is to be given away, not to be left to root.
    if (spool && spool->gid != 0) {
        words.group = shell_word(group_name(spool->gid));
    } else if (context.users.uploader) {
        words.group = shell_word(group_name(context.users.uploader->gid));
    }
    if (const std::string role = server::role_named_by(context.settings.server_conninfo); !role.empty())
        words.role = server::sql_name(role);
    if (const std::string timer = drain_timer(context.settings); !timer.empty()) words.drain = timer;
    return words;
}

}  // namespace walferry::check
