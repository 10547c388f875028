#include "uploader/setup/public_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/durable_file.hpp"
#include "common/error.hpp"

namespace walferry {

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

void make_folder(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0) {
        if (errno == EEXIST) return;
        throw_errno(errno, "make " + path);
    }
    if (::chmod(path.c_str(), mode) != 0) throw_errno(errno, "set the mode of " + path);
}

void create_public_file(const std::string& path, const std::string& text) {
    const std::size_t slash = path.rfind('/');
    const Directory directory = os::open_directory(slash == 0 ? "/" : path.substr(0, slash));
    DurableFile file(directory, directory, path.substr(slash + 1), 0644);
    file.write(as_bytes(text));
    file.sync();
    if (file.publish() == PublishResult::name_taken)
        throw Error(ErrorKind::config, path + " exists already, and is never replaced");
}

}  // namespace walferry
