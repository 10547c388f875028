#include "common/program/fetch_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/error.hpp"
#include "common/wal/fingerprint.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::fetch_channel {
namespace {

constexpr std::size_t largest_reply = 16 * 1024;
constexpr int waiting_callers = 16;

struct Address {
    sockaddr_un unix_address{};
    socklen_t size = 0;
};

/// Abstract: the name begins with a zero byte and is nowhere in the filesystem.
Address address_of(const std::string& name) {
    Address address;
    address.unix_address.sun_family = AF_UNIX;
    if (name.size() + 1 > sizeof address.unix_address.sun_path)
        throw Error(ErrorKind::internal, "a socket's name is too long: " + name);
    std::copy(name.begin(), name.end(), address.unix_address.sun_path + 1);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    return address;
}

Fd new_socket() {
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw_errno(errno, "make a socket");
    return fd;
}

bool is_this_user(int socket) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

const sockaddr* generic(const Address& address) noexcept {
    return reinterpret_cast<const sockaddr*>(&address.unix_address);
}

bool wait_for_input(int socket, std::chrono::milliseconds patience) noexcept {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd entry{socket, POLLIN, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::min<long>(left.count(), 3'600'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

std::optional<Reply> receive_one(int socket) {
    std::string text(largest_reply, '\0');
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 1) return std::nullopt;
    Reply reply;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        reply.file = Fd(fd);
    }
    reply.answer = static_cast<Answer>(text[0]);
    reply.said = text.substr(1, static_cast<std::size_t>(got - 1));
    if (reply.answer == Answer::fetched && !reply.file) return std::nullopt;
    return reply;
}

}  // namespace

std::string socket_name(const std::vector<std::string>& identity) {
    Fingerprint fingerprint;
    for (const std::string& part : identity) {
        fingerprint.update(as_bytes(std::to_string(part.size()) + ":"));
        fingerprint.update(as_bytes(part));
    }
    return "walferry-fetch-" + fingerprint.digits();
}

Fd listen_at(const std::string& name) {
    const Address address = address_of(name);
    Fd fd = new_socket();
    if (::bind(fd.get(), generic(address), address.size) != 0) {
        if (errno == EADDRINUSE) return {};
        throw_errno(errno, "name a socket");
    }
    if (::listen(fd.get(), waiting_callers) != 0) throw_errno(errno, "listen on a socket");
    return fd;
}

Fd connect_to(const std::string& name) {
    const Address address = address_of(name);
    Fd fd = new_socket();
    if (::connect(fd.get(), generic(address), address.size) != 0) return {};
    return is_this_user(fd.get()) ? std::move(fd) : Fd();
}

Fd accept_from(int listening) {
    Fd fd(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    return fd && is_this_user(fd.get()) ? std::move(fd) : Fd();
}

bool send_request(int socket, const Request& request) noexcept {
    std::array<char, 64> text{};
    if (request.name.size() + 1 > text.size()) return false;
    text[0] = 'r';
    std::copy(request.name.begin(), request.name.end(), text.begin() + 1);
    const std::size_t size = request.name.size() + 1;
    return ::send(socket, text.data(), size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

std::optional<Request> receive_request(int socket) {
    std::array<char, 64> text{};
    const ssize_t got = ::recv(socket, text.data(), text.size(), MSG_DONTWAIT);
    if (got < 2) return std::nullopt;
    Request request{std::string(text.data() + 1, static_cast<std::size_t>(got - 1))};
    const auto name = WalName::parse(request.name);
    if (!name || (name->kind != WalKind::segment && name->kind != WalKind::history)) return std::nullopt;
    return request;
}

bool send_reply(int socket, const Reply& reply) noexcept {
    char answer = static_cast<char>(reply.answer);
    std::array<iovec, 2> parts{iovec{&answer, 1}, iovec{const_cast<char*>(reply.said.data()),
                                                        std::min(reply.said.size(), largest_reply - 1)}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (reply.file) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int fd = reply.file.get();
        std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) > 0;
}

std::optional<Reply> receive_reply(int socket, const Wait& wait, bool* gone) {
    const auto deadline = std::chrono::steady_clock::now() + wait.limit;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (gone != nullptr) *gone = left > wait.silence;
        if (!wait_for_input(socket, std::min(left, wait.silence))) return std::nullopt;
        if (gone != nullptr) *gone = true;
        auto reply = receive_one(socket);
        if (!reply || reply->answer != Answer::working) return reply;
    }
}

}  // namespace walferry::fetch_channel
