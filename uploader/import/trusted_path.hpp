#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace walferry::importing {

/// Why users other than root and `owner` could make `path` lead elsewhere: a directory or symbolic link on
/// the way to it is theirs, or lies in a directory that they may write. nullopt where none could. A directory
/// with the sticky bit, such as /tmp, may be on the way where the entry in it is root's or `owner`'s. The
/// last component itself is not judged. Write bits of an access control list need no look of their own: its
/// mask is what stat() shows as the group's bits. Throws Error where a component cannot be looked at.
std::optional<std::string> changeable_by_others(const std::string& path, uid_t owner);

}  // namespace walferry::importing
