#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace walferry::server {

/// A Unix user: the one that the server runs as, or the uploader's.
struct ServerUser {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;

    bool is_caller() const noexcept;
};

/// `owner`, a name or a number; where it is empty, postgres for root and the caller for everybody else.
/// Throws usage for a user that is not known, that the caller cannot become, and for root, who may run no
/// server.
ServerUser find_server_user(const std::string& owner);

/// The user with that name or number, whatever may be done as it; nullopt where there is none. A number needs
/// no entry on this host, where `group` says which group such a user is in.
std::optional<ServerUser> find_user(const std::string& name, std::optional<gid_t> group = std::nullopt);

/// Makes this process that user's for good, with its groups and its home. Does nothing for a caller who is
/// not root. Throws io.
void become(const ServerUser& user);

/// As long as it lives, the thread that made it has that user's rights on files and nobody else's, and is
/// that user to whom it connects to; other threads stay what they are.
class ActingAs {
  public:
    explicit ActingAs(const ServerUser& user);
    ~ActingAs();
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;

  private:
    bool changed_ = false;
    gid_t gid_ = 0;
    std::vector<gid_t> groups_;
};

}  // namespace walferry::server
