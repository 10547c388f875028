#include "tests/fault/crash/touch.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <regex>

namespace walferry::crash {
namespace {

std::size_t peek(pid_t thread, std::uint64_t address, void* into, std::size_t size) {
    const iovec local{into, size};
    const iovec remote{reinterpret_cast<void*>(address), size};
    const ssize_t got = ::process_vm_readv(thread, &local, 1, &remote, 1, 0);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

/// Page by page: what follows a string may not be mapped.
std::string peek_text(pid_t thread, std::uint64_t address) {
    constexpr std::uint64_t page = 4096;
    std::string text;
    while (address != 0 && text.size() < PATH_MAX) {
        std::array<char, page> piece{};
        const std::size_t got = peek(thread, address, piece.data(), page - address % page);
        const auto end = std::find(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got), '\0');
        text.append(piece.begin(), end);
        if (got == 0 || end != piece.begin() + static_cast<std::ptrdiff_t>(got)) break;
        address += got;
    }
    return text;
}

std::string link_target(pid_t thread, const std::string& name) {
    std::array<char, PATH_MAX> target{};
    const std::string path = "/proc/" + std::to_string(thread) + "/" + name;
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

std::string path_of(pid_t thread, int descriptor) {
    return link_target(thread, descriptor == AT_FDCWD ? "cwd" : "fd/" + std::to_string(descriptor));
}

}  // namespace

std::string shown(const std::string& relative) {
    static const std::array<std::pair<std::regex, const char*>, 9> rules{{
        {std::regex("7301234567890123456"), "SYSID"},
        {std::regex("^(spool/|store-)(?=.)"), ""},
        {std::regex("#[0-9]+ \\(deleted\\)$"), "(unnamed)"},
        {std::regex("-[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{32}\\.zst"), "-HASHES.zst"},
        {std::regex("-[0-9a-f]{32}-[0-9a-f]{8}-"), "-HASHES"},
        {std::regex("\\.[0-9]+\\.[0-9a-f]{16}(?![0-9a-f])"), ".PID.RANDOM"},
        {std::regex("[0-9A-F]{16}0{6}([0-9A-F]{2})(?![0-9A-F])"), "…$1"},
        {std::regex(" \\(deleted\\)$"), ""},
        {std::regex("[0-9]{8}T[0-9]{6}[0-9.]*Z?"), "DATE"},
    }};
    std::string text = relative;
    for (const auto& [pattern, replacement] : rules) text = std::regex_replace(text, pattern, replacement);
    return text;
}

std::optional<std::string> Touch::below(const std::string& path) const {
    for (const std::string& folder : folders_) {
        if (path == folder) return ".";
        if (path.starts_with(folder + "/")) return shown(path.substr(folder.size() + 1));
    }
    return std::nullopt;
}

std::optional<std::string> Touch::of_descriptor(pid_t thread, int descriptor) const {
    if (connected_.contains(descriptor)) return "connection to the store";
    return below(path_of(thread, descriptor));
}

std::optional<std::string> Touch::object(const Call& call, const Argument& argument) {
    const std::uint64_t value = call.arguments[argument.at];
    const auto descriptor = static_cast<int>(value);
    const auto next = argument.at + 1 < call.arguments.size() ? call.arguments[argument.at + 1] : 0;
    switch (argument.means) {
        case Means::descriptor:
            return of_descriptor(call.thread, descriptor);
        case Means::path:
        case Means::path_at: {
            const bool at = argument.means == Means::path_at;
            const std::string path = peek_text(call.thread, at ? next : value);
            if (path.empty()) return at ? of_descriptor(call.thread, descriptor) : std::nullopt;
            if (path.front() == '/') return below(path);
            const std::string from = path_of(call.thread, at ? descriptor : AT_FDCWD);
            return below(path == "." ? from : from + "/" + path);
        }
        case Means::polled: {
            std::array<pollfd, 16> set{};
            const std::size_t wanted = std::min<std::size_t>(next, set.size());
            if (peek(call.thread, value, set.data(), wanted * sizeof(pollfd)) != wanted * sizeof(pollfd))
                return std::nullopt;
            for (std::size_t i = 0; i < wanted; ++i) {
                if (connected_.contains(set[i].fd)) return "connection to the store";
            }
            return std::nullopt;
        }
        case Means::connecting: {
            sockaddr_in address{};
            peek(call.thread, next, &address, sizeof address);
            if (store_port_ == 0 || address.sin_family != AF_INET || ntohs(address.sin_port) != store_port_)
                return std::nullopt;
            connected_.insert(descriptor);
            return "connection to the store";
        }
    }
    return std::nullopt;
}

std::optional<std::string> Touch::describe(const Call& call) {
    const CallShape* shape = shape_of(call.number);
    if (shape == nullptr) return std::nullopt;
    // Both ends of a link or a rename are of interest, also where one is outside.
    std::string text;
    bool counts = false;
    for (const Argument& argument : shape->arguments) {
        const auto found = object(call, argument);
        if (!found) continue;
        text += (counts ? " → " : " ") + *found;
        counts = true;
    }
    if (call.number == __NR_close) connected_.erase(static_cast<int>(call.arguments[0]));
    if (!counts) return std::nullopt;
    return shape->name + text;
}

}  // namespace walferry::crash
