#pragma once
#include <sys/types.h>

#include <string>

namespace walferry::setup {

/// As far as the caller can see.
bool exists(const std::string& path);

/// Makes a folder of that mode, whatever the umask is, where there is none. Throws io.
void make_folder(const std::string& path, mode_t mode);

/// Makes a file that everybody may read, whole or not at all. Throws config where the name is taken.
void create_public_file(const std::string& path, const std::string& text);

/// The same in the place of whatever has the name: a reader sees the one or the other, never a part. Throws
/// io.
void replace_public_file(const std::string& path, const std::string& text);

/// A file of at most a MiB. Throws config, which calls it `what`.
std::string read_public_file(const std::string& path, const std::string& what);

}  // namespace walferry::setup
