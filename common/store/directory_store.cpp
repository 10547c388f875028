#include "common/store/directory_store.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/store/directory_error.hpp"
#include "common/store/directory_listing.hpp"

namespace walferry {
namespace {

constexpr std::size_t chunk_size = 512 * 1024;
constexpr mode_t object_mode = 0640;
constexpr mode_t directory_mode = 0750;
constexpr const char* tmp_directory = ".tmp";

/// Carries an exception of the caller's body or receiver past the translation of the store's own errors.
struct Foreign {
    std::exception_ptr cause;
};

template <typename Call>
auto foreign(Call call) {
    try {
        return call();
    } catch (...) {
        throw Foreign{std::current_exception()};
    }
}

struct Path {
    std::vector<std::string> directories;
    std::string name;
};

Path split(const std::string& key) {
    Path path;
    for (std::size_t begin = 0;;) {
        const std::size_t end = std::min(key.find('/', begin), key.size());
        std::string part = key.substr(begin, end - begin);
        const bool printable =
            std::all_of(part.begin(), part.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
        if (part.empty() || part.front() == '.' || !printable) {
            throw Error(ErrorKind::rejected, "the key is no path that a directory can hold");
        }
        if (end == key.size()) {
            path.name = std::move(part);
            return path;
        }
        path.directories.push_back(std::move(part));
        begin = end + 1;
    }
}

/// The directory an object lies in; nullopt when it is missing.
std::optional<Directory> find_directory(Directory root, const Path& path) {
    for (const std::string& name : path.directories) {
        const std::string shown = root.child(name);
        Fd fd = os::open_if_exists(root.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, shown);
        if (!fd) return std::nullopt;
        root = Directory{std::move(fd), shown};
    }
    return root;
}

/// What root makes belongs to whom the store belongs: else the uploader could not put anything beside it, nor
/// read it.
void leave_to_owner(const struct stat& store, int fd, const std::string& shown) {
    if (::geteuid() != 0 || store.st_uid == 0 || os::status(fd, shown).st_uid != 0) return;
    if (::fchown(fd, store.st_uid, store.st_gid) != 0)
        throw_errno(errno, "give " + shown + " to the owner of the store");
}

Directory make_directory(Directory root, const Path& path) {
    const struct stat store = os::status(root.get(), root.path);
    for (const std::string& name : path.directories) {
        root = open_or_make_directory(root, name, directory_mode);
        leave_to_owner(store, root.get(), root.path);
    }
    return root;
}

std::uint64_t size_of(int fd, const std::string& shown) {
    return static_cast<std::uint64_t>(os::status(fd, shown).st_size);
}

/// Best effort: only pages that are on the medium can be forgotten.
void forget_cached(int fd) {
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace

DirectoryStore::DirectoryStore(StoreSettings settings, std::stop_token stop)
    : settings_(std::move(settings)), stop_(std::move(stop)) {}

void DirectoryStore::translated(const char* verb, const std::string& what,
                                const std::function<void()>& operation) const {
    const std::string doing = "store " + settings_.name + ": " + verb + " " + what;
    try {
        operation();
    } catch (const Foreign& mine) {
        std::rethrow_exception(mine.cause);
    } catch (const Error& error) {
        throw directory_error(error, doing, settings_.path);
    }
}

Directory DirectoryStore::open_root() const {
    check_stop();
    Fd fd = os::open_if_exists(AT_FDCWD, settings_.path, O_RDONLY | O_DIRECTORY, settings_.path);
    if (fd) return {std::move(fd), settings_.path};
    throw Error(ErrorKind::no_bucket, "there is no directory " + settings_.path,
                "is it mounted? It is never made by itself, so that nothing lands beneath a missing mount");
}

void DirectoryStore::check_stop() const {
    if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
}

/// An invalid Fd when there is none.
Fd DirectoryStore::open_object(const Directory& directory, const std::string& name) const {
    const std::string shown = directory.child(name);
    Fd fd = os::open_if_exists(directory.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, shown);
    if (fd) {
        const mode_t mode = os::status(fd.get(), shown).st_mode;
        if (!S_ISREG(mode)) {
            throw Error(ErrorKind::rejected, shown + " is " + file_type_name(mode) + ", not an object",
                        "something else was put where an object belongs; move it away");
        }
    }
    return fd;
}

bool DirectoryStore::holds(int fd, const std::string& shown, const Body& body) const {
    if (size_of(fd, shown) != body.size()) return false;
    std::vector<std::byte> theirs(chunk_size);
    std::vector<std::byte> ours(chunk_size);
    for (std::uint64_t offset = 0; offset < body.size(); offset += chunk_size) {
        check_stop();
        const std::size_t got = os::read_at(fd, theirs, offset, shown);
        const std::size_t wanted = foreign([&] { return body.read_at(offset, ours); });
        if (!std::equal(theirs.begin(), theirs.begin() + static_cast<std::ptrdiff_t>(got), ours.begin(),
                        ours.begin() + static_cast<std::ptrdiff_t>(wanted))) {
            return false;
        }
    }
    return true;
}

/// Success only when the bytes are the same; whoever wrote them may have died before syncing them.
void DirectoryStore::confirm(const Directory& directory, const std::string& name, int fd,
                             const Body& body) const {
    const std::string shown = directory.child(name);
    if (!holds(fd, shown, body)) {
        throw Error(ErrorKind::conflict, shown + " exists with other bytes",
                    "a name holds the hash of its bytes, so that file is damaged or forged: look at it and "
                    "move it away");
    }
    os::sync(fd, shown);
    os::sync(directory);
}

void DirectoryStore::write(DurableFile& file, const Body& body) const {
    file.reserve(body.size());
    std::vector<std::byte> buffer(chunk_size);
    while (file.written() < body.size()) {
        check_stop();
        const std::size_t got = foreign([&] {
            const std::size_t count = body.read_at(file.written(), buffer);
            if (count == 0) throw Error(ErrorKind::io, "the body became shorter while it was stored");
            return count;
        });
        file.write(Bytes(buffer).first(got));
    }
    file.sync();
    forget_cached(file.fd());
}

/// A folder that was empty may have been removed meanwhile: that passes, the next attempt makes it again.
PublishResult DirectoryStore::publish(DurableFile& file, const Directory& directory) const {
    try {
        return file.publish();
    } catch (const Error&) {
        if (os::status(directory.get(), directory.path).st_nlink != 0) throw;
        throw Error(ErrorKind::server_error, directory.path + " was removed meanwhile");
    }
}

PutResult DirectoryStore::put(const std::string& key, const Body& body, const BodyDigest&) {
    PutResult result = PutResult::already_there;
    translated("put", key, [&] {
        const Path path = split(key);
        const Directory root = open_root();
        const struct stat store = os::status(root.get(), root.path);
        const Directory tmp = open_or_make_directory(root, tmp_directory, directory_mode);
        leave_to_owner(store, tmp.get(), tmp.path);
        if (!std::exchange(tidied_, true)) remove_stale_tmp(tmp);
        const Directory directory = make_directory(open_root(), path);
        if (const Fd existing = open_object(directory, path.name)) {
            return confirm(directory, path.name, existing.get(), body);
        }
        DurableFile file(directory, tmp, path.name, object_mode);
        write(file, body);
        leave_to_owner(store, file.fd(), directory.child(path.name));
        if (publish(file, directory) == PublishResult::published) {
            result = PutResult::stored;
            return;
        }
        const Fd existing = open_object(directory, path.name);
        if (!existing)
            throw Error(ErrorKind::server_error, directory.child(path.name) + " was there and is gone");
        confirm(directory, path.name, existing.get(), body);
    });
    return result;
}

void DirectoryStore::replace(const std::string& key, const Body& body, const BodyDigest&) {
    translated("replace", key, [&] {
        const Path path = split(key);
        const Directory root = open_root();
        const struct stat store = os::status(root.get(), root.path);
        const Directory tmp = open_or_make_directory(root, tmp_directory, directory_mode);
        leave_to_owner(store, tmp.get(), tmp.path);
        const Directory directory = make_directory(open_root(), path);
        DurableFile file(directory, tmp, path.name, object_mode);
        write(file, body);
        leave_to_owner(store, file.fd(), directory.child(path.name));
        file.replace();
        os::sync(directory);
    });
}

void DirectoryStore::get(const std::string& key, Receiver& receiver) {
    read("get", key, 0, UINT64_MAX, receiver);
}

void DirectoryStore::get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                               Receiver& receiver) {
    read("get a part of", key, offset, length, receiver);
}

void DirectoryStore::read(const char* verb, const std::string& key, std::uint64_t from, std::uint64_t length,
                          Receiver& receiver) {
    translated(verb, key, [&] {
        const Path path = split(key);
        const std::optional<Directory> directory = find_directory(open_root(), path);
        const Fd file = directory ? open_object(*directory, path.name) : Fd();
        if (!file) throw Error(ErrorKind::not_found, "there is no such object");
        const std::string shown = directory->child(path.name);

        forget_cached(file.get());
        const std::uint64_t whole = size_of(file.get(), shown);
        if (from > 0 && from >= whole) throw Error(ErrorKind::rejected, shown + " ends before that");
        const std::uint64_t size = from + std::min(length, whole - from);
        foreign([&] { receiver.begin(); });
        std::vector<std::byte> buffer(chunk_size);
        for (std::uint64_t offset = from; offset < size;) {
            check_stop();
            const auto wanted =
                static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, buffer.size()));
            const std::size_t got =
                os::read_at(file.get(), MutableBytes(buffer).first(wanted), offset, shown);
            if (got != wanted)
                throw Error(ErrorKind::server_error, shown + " became shorter while it was read");
            foreign([&] { receiver.write(Bytes(buffer).first(got)); });
            offset += got;
        }
    });
}

std::optional<ObjectInfo> DirectoryStore::head(const std::string& key) {
    std::optional<ObjectInfo> result;
    translated("head", key, [&] {
        const Path path = split(key);
        const std::optional<Directory> directory = find_directory(open_root(), path);
        const Fd file = directory ? open_object(*directory, path.name) : Fd();
        if (file) result = object_info(key, os::status(file.get(), directory->child(path.name)));
    });
    return result;
}

ObjectPage DirectoryStore::list(const std::string& prefix, const std::string& start_after) {
    ObjectPage page;
    translated("list", prefix, [&] {
        page = list_directory(open_root(), prefix, start_after, large_, [this] { check_stop(); });
    });
    return page;
}

/// The object's own folder, so that what an interrupted backup left does not stay as an empty one; never the
/// folder of the store's prefix, which may be the administrator's. Not being empty is how most calls end.
void DirectoryStore::remove_empty_folder(std::vector<std::string> directories) const {
    const auto& prefix = settings_.prefix;
    const auto levels = prefix.empty() ? 0 : 1 + std::count(prefix.begin(), prefix.end(), '/');
    if (static_cast<std::ptrdiff_t>(directories.size()) <= levels) return;
    Path folder{std::move(directories), {}};
    folder.name = folder.directories.back();
    folder.directories.pop_back();
    const std::optional<Directory> parent = find_directory(open_root(), folder);
    if (parent) (void)::unlinkat(parent->get(), folder.name.c_str(), AT_REMOVEDIR);
}

void DirectoryStore::remove(const std::string& key) {
    translated("remove", key, [&] {
        const Path path = split(key);
        const std::optional<Directory> directory = find_directory(open_root(), path);
        if (!directory) return;
        os::unlink_at(*directory, path.name);
        os::sync(*directory);
        remove_empty_folder(path.directories);
    });
}

}  // namespace walferry
