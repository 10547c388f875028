#include "common/store/directory_listing.hpp"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

/// A key, or the common beginning of the keys in a directory: that one ends in a slash.
using Entry = std::string;

bool is_directory(const Entry& entry) {
    return entry.ends_with('/');
}

// A change within the clock's last tick would not show in a directory's time.
constexpr std::chrono::seconds settled_after{2};

struct Scan {
    std::vector<Entry> entries;  // in order
    bool cut = false;            // there were more
};

WallTime time_of(const timespec& time) {
    return WallTime(std::chrono::floor<std::chrono::milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                                  std::chrono::nanoseconds(time.tv_nsec)));
}

bool same_state(const struct stat& one, const struct stat& other) {
    const auto same = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino && same(one.st_mtim, other.st_mtim) &&
           same(one.st_ctim, other.st_ctim);
}

class Walk {
  public:
    Walk(const std::string& prefix, const std::string& start_after, LargeDirectory& large,
         const std::function<void()>& check_stop)
        : prefix_(prefix), start_after_(start_after), large_(large), check_stop_(check_stop) {}

    void run(const Directory& directory, const std::string& path);
    ObjectPage take_page() {
        page_.more = page_.objects.size() > directory_page;
        if (page_.more) page_.objects.resize(directory_page);
        return std::move(page_);
    }

  private:
    bool full() const { return page_.objects.size() > directory_page; }
    bool wanted(const Entry& entry) const;
    std::optional<Entry> entry_of(const Directory& directory, const std::string& path,
                                  const dirent& found) const;
    Scan scan(const Directory& directory, const std::string& path, const Entry& after);
    std::optional<Scan> remembered(const std::string& path, const struct stat& now, const Entry& after) const;
    void remember(const std::string& path, const struct stat& before, const Entry& after, const Scan& whole);
    void visit(const Directory& directory, const Entry& entry);

    const std::string& prefix_;
    const std::string& start_after_;
    LargeDirectory& large_;
    const std::function<void()>& check_stop_;
    ObjectPage page_;
};

std::string last_part(const Entry& entry) {
    const std::string_view text =
        is_directory(entry) ? std::string_view(entry).substr(0, entry.size() - 1) : entry;
    const std::size_t slash = text.rfind('/');
    return std::string(slash == std::string_view::npos ? text : text.substr(slash + 1));
}

bool is_printable(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Whether an object of that key, or any key below that directory, can be part of the answer.
bool Walk::wanted(const Entry& entry) const {
    if (!is_directory(entry)) return entry.starts_with(prefix_) && entry > start_after_;
    if (!entry.starts_with(prefix_) && !prefix_.starts_with(entry)) return false;
    return entry > start_after_ || start_after_.starts_with(entry);
}

std::optional<Entry> Walk::entry_of(const Directory& directory, const std::string& path,
                                    const dirent& found) const {
    const std::string_view name = found.d_name;
    if (name.starts_with('.') || !is_printable(name)) return std::nullopt;
    unsigned char type = found.d_type;
    if (type == DT_UNKNOWN) {
        struct stat status {};
        if (::fstatat(directory.get(), found.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) return std::nullopt;
            throw_errno(errno, "read the state of " + directory.child(found.d_name));
        }
        type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (type == DT_DIR) return path + std::string(name) + "/";
    if (type == DT_REG) return path + std::string(name);
    return std::nullopt;
}

/// What sorts at or behind `large_.after` and was read then, if it still holds and reaches beyond `after`.
std::optional<Scan> Walk::remembered(const std::string& path, const struct stat& now,
                                     const Entry& after) const {
    if (large_.entries.empty() || large_.prefix != prefix_ || large_.path != path ||
        !same_state(large_.status, now))
        return std::nullopt;
    const Entry& begin = std::max(after, start_after_);
    if (begin < large_.after) return std::nullopt;
    auto at = std::upper_bound(large_.entries.begin(), large_.entries.end(), begin);
    // The directory that `begin` lies in sorts right before it.
    if (at != large_.entries.begin() && is_directory(*std::prev(at)) && begin.starts_with(*std::prev(at)))
        --at;
    Scan result;
    for (; at != large_.entries.end() && result.entries.size() <= directory_page; ++at) {
        if (wanted(*at) && *at > after) result.entries.push_back(*at);
    }
    result.cut = large_.cut || at != large_.entries.end();
    if (result.entries.empty()) return std::nullopt;  // what it has is used up
    return result;
}

void Walk::remember(const std::string& path, const struct stat& before, const Entry& after,
                    const Scan& whole) {
    const bool settled =
        std::max(time_of(before.st_mtim), time_of(before.st_ctim)) + settled_after < wall_now();
    if (whole.entries.size() > directory_page && settled)
        large_ = {prefix_, path, std::max(after, start_after_), before, whole.entries, whole.cut};
}

/// The smallest entries after the given one, as many as can be needed at least.
Scan Walk::scan(const Directory& directory, const std::string& path, const Entry& after) {
    const struct stat before = os::status(directory.get(), directory.path);
    if (auto known = remembered(path, before, after)) return *std::move(known);
    // A descriptor of its own: reading a directory moves its offset.
    Fd own = os::open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY, 0, directory.path);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), &::closedir);
    if (!stream) throw_errno(errno, "read the directory " + directory.path);
    (void)own.release();

    Scan result;
    for (std::size_t seen = 0;; ++seen) {
        if (seen % 4096 == 0) check_stop_();
        errno = 0;
        const dirent* found = ::readdir(stream.get());
        if (found == nullptr) {
            if (errno != 0) throw_errno(errno, "read the directory " + directory.path);
            break;
        }
        std::optional<Entry> entry = entry_of(directory, path, *found);
        if (!entry || !wanted(*entry) || *entry <= after) continue;
        result.entries.push_back(std::move(*entry));
        std::push_heap(result.entries.begin(), result.entries.end());
        if (result.entries.size() > LargeDirectory::most_entries) {
            std::pop_heap(result.entries.begin(), result.entries.end());
            result.entries.pop_back();
            result.cut = true;
        }
    }
    std::sort_heap(result.entries.begin(), result.entries.end());
    remember(path, before, after, result);
    return result;
}

void Walk::visit(const Directory& directory, const Entry& entry) {
    const std::string name = last_part(entry);
    if (is_directory(entry)) {
        Fd fd = os::open_if_exists(directory.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                   directory.child(name));
        if (fd) run(Directory{std::move(fd), directory.child(name)}, entry);
        return;
    }
    struct stat status {};
    if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return;  // removed in the meantime
        throw_errno(errno, "read the state of " + directory.child(name));
    }
    if (S_ISREG(status.st_mode)) page_.objects.push_back(object_info(entry, status));
}

void Walk::run(const Directory& directory, const std::string& path) {
    Entry after;
    for (bool again = true; again && !full();) {
        const Scan found = scan(directory, path, after);
        for (const Entry& entry : found.entries) {
            if (full()) break;
            visit(directory, entry);
        }
        again = found.cut;
        if (again) after = found.entries.back();
    }
}

}  // namespace

ObjectInfo object_info(std::string key, const struct stat& status) {
    return {std::move(key), static_cast<std::uint64_t>(status.st_size), time_of(status.st_mtim)};
}

ObjectPage list_directory(const Directory& root, const std::string& prefix, const std::string& start_after,
                          LargeDirectory& large, const std::function<void()>& check_stop) {
    Walk walk(prefix, start_after, large, check_stop);
    walk.run(root, "");
    return walk.take_page();
}

}  // namespace walferry
