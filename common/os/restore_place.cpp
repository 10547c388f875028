#include "common/os/restore_place.hpp"

#include "common/error.hpp"

namespace walferry {

RestorePlace::RestorePlace(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..")
        throw Error(ErrorKind::usage, "\"" + path + "\" names no file to restore to");
    const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    directory = os::open_directory(parent);
}

mode_t RestorePlace::mode() const {
    const mode_t of_directory = os::status(directory.get(), directory.path).st_mode;
    return (of_directory & S_IXGRP) != 0 ? 0640 : 0600;
}

}  // namespace walferry
