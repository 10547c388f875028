#include "common/store/http_exchange.hpp"

#include <algorithm>
#include <charconv>

namespace walferry {
namespace {

constexpr std::uint64_t max_header_bytes = 64 * 1024;
constexpr std::size_t max_headers = 200;
constexpr const char* no_s3_server = "is an S3 server at `endpoint`?";

HttpExchange& exchange(void* self) noexcept {
    return *static_cast<HttpExchange*>(self);
}

std::string_view trim(std::string_view text) {
    const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && space(text.front())) text.remove_prefix(1);
    while (!text.empty() && space(text.back())) text.remove_suffix(1);
    return text;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

}  // namespace

std::string_view HttpResponse::header(const std::string& lower_case_name) const {
    const auto found = headers.find(lower_case_name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

void HttpExchange::attach(CURL* easy) {
    set_option(easy, CURLOPT_HEADERFUNCTION, &HttpExchange::on_header);
    set_option(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    set_option(easy, CURLOPT_WRITEFUNCTION, &HttpExchange::on_write);
    set_option(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
    set_option(easy, CURLOPT_READFUNCTION, &HttpExchange::on_read);
    set_option(easy, CURLOPT_READDATA, static_cast<void*>(this));
    set_option(easy, CURLOPT_SEEKFUNCTION, &HttpExchange::on_seek);
    set_option(easy, CURLOPT_SEEKDATA, static_cast<void*>(this));
}

std::size_t HttpExchange::on_read(char* out, std::size_t size, std::size_t count, void* self) noexcept {
    try {
        return exchange(self).read({reinterpret_cast<std::byte*>(out), size * count});
    } catch (...) {
        exchange(self).parked_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

int HttpExchange::on_seek(void* self, curl_off_t offset, int origin) noexcept {
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    exchange(self).sent_ = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
}

std::size_t HttpExchange::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    try {
        exchange(self).header_line({data, size * count});
        return size * count;
    } catch (...) {
        exchange(self).parked_ = std::current_exception();
        return 0;
    }
}

std::size_t HttpExchange::on_write(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    try {
        const Bytes bytes = as_bytes(std::string_view(data, size * count));
        return exchange(self).write(bytes) ? bytes.size() : CURL_WRITEFUNC_ERROR;
    } catch (...) {
        exchange(self).parked_ = std::current_exception();
        return CURL_WRITEFUNC_ERROR;
    }
}

std::size_t HttpExchange::read(MutableBytes out) {
    if (request_.body == nullptr) return 0;
    const std::uint64_t left = request_.body->size() - std::min(sent_, request_.body->size());
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size()));
    const std::size_t got = request_.body->read_at(sent_, out.first(wanted));
    if (got != wanted)
        throw Error(ErrorKind::io, request_.doing + ": the body became shorter while it was sent");
    sent_ += got;
    return got;
}

void HttpExchange::header_line(std::string_view line) {
    if (line.empty()) return;
    header_bytes_ += line.size();
    if (header_bytes_ > max_header_bytes || response_.headers.size() >= max_headers) {
        throw Error(ErrorKind::server_error, request_.doing + ": the server sends headers without end",
                    no_s3_server);
    }
    switch (awaited_) {
        case Awaited::status:
            return status_line(line);
        case Awaited::headers:
            // What ends the headers, and which name a line has, must be what they are to libcurl, to the
            // letter.
            if (line.front() == '\r' || line.front() == '\n') {
                headers_end();
            } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
                response_.headers.try_emplace(lower_case(line.substr(0, colon)),
                                              trim(line.substr(colon + 1)));
            }
            return;
        case Awaited::trailers:
            return;  // what comes after a chunked body says nothing that matters here
    }
}

/// The first line of an answer, whatever it looks like: libcurl takes more than "HTTP/" for one. Also called
/// for an interim answer such as 100, whose headers do not count.
void HttpExchange::status_line(std::string_view line) {
    response_.headers.clear();
    claimed_length_ = 0;
    const std::size_t space = line.find(' ');
    const std::string_view code = space == std::string_view::npos ? "" : line.substr(space + 1);
    const auto parsed = std::from_chars(code.data(), code.data() + code.size(), response_.status);
    if (parsed.ec != std::errc() || response_.status < 100 || response_.status > 599) {
        throw Error(ErrorKind::server_error, request_.doing + ": the server's answer is no HTTP",
                    no_s3_server);
    }
    awaited_ = Awaited::headers;
}

void HttpExchange::headers_end() {
    const bool interim = response_.status < 200;
    awaited_ = interim ? Awaited::status : Awaited::trailers;
    if (!interim) check_length();
}

void HttpExchange::check_length() {
    const std::string_view length = response_.header("content-length");
    const auto parsed = std::from_chars(length.data(), length.data() + length.size(), claimed_length_);
    const bool has_length = parsed.ec == std::errc() && !length.empty();
    // Without either, the end of the body is the end of the connection and looks the same as a broken one.
    const bool has_end =
        has_length || response_.header("transfer-encoding").find("chunked") != std::string_view::npos;
    if (response_.status == request_.received_status && request_.receiver != nullptr && !has_end) {
        throw Error(ErrorKind::server_error,
                    request_.doing + ": the server does not say how long the object is",
                    "S3 servers do: does a proxy on the way remove Content-Length?");
    }
    if (response_.status == 200 && request_.received_status == 200 && request_.receiver != nullptr &&
        has_length) {
        request_.receiver->announced(claimed_length_);
    }
}

/// False when enough was kept.
bool HttpExchange::write(Bytes bytes) {
    if (response_.status == request_.received_status && request_.receiver != nullptr) {
        request_.receiver->write(bytes);
        return true;
    }
    const std::size_t room =
        request_.kept_body_limit - std::min(response_.body.size(), request_.kept_body_limit);
    response_.body.append(as_text(bytes.first(std::min(room, bytes.size()))));
    response_.body_cut = bytes.size() > room;
    return !response_.body_cut;
}

}  // namespace walferry
