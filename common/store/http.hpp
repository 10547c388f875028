#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/body.hpp"
#include "common/store/object_store.hpp"

namespace walferry {

/// Error::code of a CA file that cannot be used, which is not a matter of keys.
inline constexpr const char* unusable_ca_file = "ca_file";

/// What holds for every request of one connection.
struct HttpSettings {
    std::string ca_file;  // empty: the system's; else nothing but this file is trusted
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds silence_timeout{20000};
    std::uint64_t bandwidth_limit = 0;
    bool ignore_proxies = false;  // for loopback, which no proxy can reach
    bool bucket_in_host =
        false;  // the host's name begins with the bucket's: what does not resolve may be that
};

struct HttpRequest {
    std::string doing;  // "store r2: put KEY", what messages begin with
    std::string method = "GET";
    std::string url;                   // encoded; sent to the letter
    std::vector<std::string> headers;  // "Name: value"
    const Body* body = nullptr;
    Receiver* receiver = nullptr;             // takes the body of received_status; any other is kept
    int received_status = 200;                // 206 for a part of an object
    std::size_t kept_body_limit = 64 * 1024;  // more than that is cut off
};

struct HttpResponse {
    int status = 0;
    std::map<std::string, std::string> headers;  // by lower-case name; the first of each
    std::string body;                            // empty when a receiver took it
    bool body_cut = false;

    /// Empty when there is no such header.
    std::string_view header(const std::string& lower_case_name) const;
};

/// One HTTP/1.1 connection after another to wherever requests lead, kept open between them. Nothing is
/// followed, retried or believed: a redirect is a response like any other, lengths are claims, and everything
/// a server sends has a limit. For one thread.
class HttpClient {
  public:
    /// Throws config when the CA file cannot be used.
    HttpClient(HttpSettings settings, std::stop_token stop);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Returns whatever the server answered. Throws unreachable, untrusted (its certificate), server_error
    /// (it does not speak HTTP), interrupted, or what body and receiver threw. Takes at most the connect
    /// timeout, and from then on ends when the silence timeout passes with hardly a byte in either direction.
    HttpResponse perform(const HttpRequest& request);

  private:
    struct Handles;

    HttpSettings settings_;
    std::stop_token stop_;
    std::unique_ptr<Handles> handles_;
};

/// How long to wait according to Retry-After (seconds, or a date seen from `now`); nullopt when it says
/// nothing that can be understood. Never negative.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::sys_seconds now);

/// The time of an HTTP date, such as a Date header holds.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view value);

}  // namespace walferry
