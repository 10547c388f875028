#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/os/fd.hpp"

namespace walferry {

/// How walferry-archive-get talks to the helper that fetches ahead (`walferry fetch --serve`): a
/// sequenced-packet socket in Linux's abstract namespace, so that nothing is left behind in the data
/// directory whoever dies when. One request a connection, one reply, which may carry the open, synced,
/// unnamed file.
namespace fetch_channel {

/// Both sides must be the same user's, because an abstract name can be taken by anyone.
///
/// The name stands for everything that a helper's answers depend on; a call that differs in any of it finds
/// another helper, or none.
std::string socket_name(const std::vector<std::string>& identity);

/// An invalid Fd when somebody listens there already.
Fd listen_at(const std::string& name);
/// An invalid Fd when no process listens there, when the listener is another user's, or when it takes no more
/// callers: any user can listen at that name and let others wait. Never waits.
Fd connect_to(const std::string& name);
/// The next caller, an invalid Fd when there is none or it is not this user.
Fd accept_from(int listening);

struct Request {
    std::string name;  // a WAL segment's or a history file's
};

enum class Answer : char {
    fetched = 'F',      // comes with the file
    absent = 'A',       // not in the archive, as far as this asker needs to know
    unavailable = 'U',  // for a standby: not to be had now; it asks again
    failed = 'N',       // the caller has to do it itself, and will find out why
    working = 'W',      // it takes longer; another answer follows
};

struct Reply {
    Answer answer = Answer::failed;
    std::string said;  // lines for the server's log
    Fd file;
};

/// False when the other side has gone.
bool send_request(int socket, const Request& request) noexcept;
bool send_reply(int socket, const Reply& reply) noexcept;

/// nullopt for what is no request, or when the other side has gone. Does not wait.
std::optional<Request> receive_request(int socket);
/// Waits through `working`. nullopt when the other side has gone or said nothing for `silence`, or when
/// `limit` has passed, which `gone` tells apart.
struct Wait {
    std::chrono::milliseconds silence, limit;
};
std::optional<Reply> receive_reply(int socket, const Wait& wait, bool* gone = nullptr);

}  // namespace fetch_channel
}  // namespace walferry
