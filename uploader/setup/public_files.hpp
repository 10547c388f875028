#pragma once
#include <sys/types.h>

#include <string>

namespace walferry {

/// As far as the caller can see.
bool exists(const std::string& path);

/// Makes a folder of that mode, whatever the umask is, where there is none. Throws io.
void make_folder(const std::string& path, mode_t mode);

/// Makes a file that everybody may read, whole or not at all. Throws config where the name is taken.
void create_public_file(const std::string& path, const std::string& text);

}  // namespace walferry
