#include "tests/fuzz/answering_server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {

AnsweringServer::AnsweringServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    must(::bind(listener_.get(), generic, size) == 0 && ::listen(listener_.get(), 16) == 0 &&
             ::getsockname(listener_.get(), generic, &size) == 0,
         "the host has a free port");
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
}

AnsweringServer::~AnsweringServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

void AnsweringServer::answer(std::string text, std::string_view request_body) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(text);
    request_end_ = "\r\n\r\n" + std::string(request_body);
}

void AnsweringServer::serve() noexcept {
    for (;;) {
        const Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) return;
        serve_one(connection.get());
    }
}

void AnsweringServer::serve_one(int connection) {
    const std::lock_guard lock(mutex_);
    std::string request;
    std::array<char, 16384> buffer{};
    // Read to its end: closing a connection with something unread would make the kernel throw away the
    // answer.
    while (!request.ends_with(request_end_)) {
        const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
        if (got <= 0) return;
        request.append(buffer.data(), static_cast<std::size_t>(got));
    }
    std::string_view rest = answer_;
    while (!rest.empty()) {
        const ssize_t sent = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

}  // namespace walferry::fuzz
