#pragma once
#include <mutex>
#include <string>
#include <thread>

#include "common/os/fd.hpp"

namespace walferry::fuzz {

/// A server on the loopback address that gives every request the same answer and closes the connection.
class AnsweringServer {
  public:
    AnsweringServer();
    ~AnsweringServer();
    AnsweringServer(const AnsweringServer&) = delete;
    AnsweringServer& operator=(const AnsweringServer&) = delete;

    /// What the requests end in: their head, or a body that is known here.
    void answer(std::string text, std::string_view request_body);
    const std::string& url() const noexcept { return url_; }

  private:
    void serve() noexcept;
    void serve_one(int connection);

    Fd listener_;
    std::string url_;
    std::mutex mutex_;
    std::string answer_, request_end_;
    std::thread thread_;
};

}  // namespace walferry::fuzz
