#pragma once
#include <curl/curl.h>

#include <cstdint>
#include <exception>

#include "common/error.hpp"
#include "common/store/http.hpp"

namespace walferry {

/// One request and its response while libcurl moves the bytes. The callbacks are called from C: an exception
/// is parked here and the transfer aborted.
class HttpExchange {
  public:
    explicit HttpExchange(const HttpRequest& request) : request_(request) {}

    /// Registers the callbacks.
    void attach(CURL* easy);

    /// Of a transfer that ended well. Throws server_error where it says too little.
    HttpResponse take_response();
    std::exception_ptr parked() const { return parked_; }
    bool body_cut() const noexcept { return response_.body_cut; }
    std::uint64_t header_bytes() const noexcept { return header_bytes_; }
    /// The length of the response's body as the server claims it, 0 where it says nothing.
    std::uint64_t claimed_length() const noexcept;

  private:
    static std::size_t on_read(char* out, std::size_t size, std::size_t count, void* self) noexcept;
    static int on_seek(void* self, curl_off_t offset, int origin) noexcept;
    static std::size_t on_header(char*, std::size_t size, std::size_t count, void* self) noexcept;
    static std::size_t on_write(char* data, std::size_t size, std::size_t count, void* self) noexcept;

    std::size_t read(MutableBytes out);
    void count_header(std::size_t size);
    void read_headers();
    bool is_received() const noexcept;
    bool write(Bytes bytes);

    const HttpRequest& request_;
    HttpResponse response_;
    std::exception_ptr parked_;
    std::uint64_t sent_ = 0;
    std::uint64_t header_bytes_ = 0;
    int header_lines_ = 0;
    CURL* easy_ = nullptr;
};

template <typename T>
T info(CURL* easy, CURLINFO what) noexcept {
    T value{};
    return curl_easy_getinfo(easy, what, &value) == CURLE_OK ? value : T{};
}

template <typename T>
void set_option(CURL* easy, CURLoption option, T value) {
    const CURLcode rc = curl_easy_setopt(easy, option, value);
    if (rc != CURLE_OK) {
        throw Error(ErrorKind::internal,
                    "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(rc));
    }
}

}  // namespace walferry
