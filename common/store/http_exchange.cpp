#include "common/store/http_exchange.hpp"

#include <algorithm>
#include <utility>

namespace walferry {
namespace {

constexpr std::uint64_t max_header_bytes = 64 * 1024;
constexpr int max_header_lines = 200;
constexpr const char* no_s3_server = "is an S3 server at `endpoint`?";

HttpExchange& exchange(void* self) noexcept {
    return *static_cast<HttpExchange*>(self);
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
    easy_ = easy;
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

std::size_t HttpExchange::on_header(char*, std::size_t size, std::size_t count, void* self) noexcept {
    try {
        exchange(self).count_header(size * count);
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

/// Also called for interim answers and for what follows a chunked body. What the lines say is libcurl's to
/// tell; it would keep them without end.
void HttpExchange::count_header(std::size_t size) {
    header_bytes_ += size;
    if (header_bytes_ > max_header_bytes || ++header_lines_ > max_header_lines) {
        throw Error(ErrorKind::server_error, request_.doing + ": the server sends headers without end",
                    no_s3_server);
    }
}

std::uint64_t HttpExchange::claimed_length() const noexcept {
    return static_cast<std::uint64_t>(
        std::max<curl_off_t>(0, info<curl_off_t>(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)));
}

bool HttpExchange::is_received() const noexcept {
    return response_.status == request_.received_status && request_.receiver != nullptr;
}

/// Once, when the headers of the answer that counts are complete.
void HttpExchange::read_headers() {
    if (response_.status != 0) return;
    response_.status = static_cast<int>(info<long>(easy_, CURLINFO_RESPONSE_CODE));
    if (response_.status < 100 || response_.status > 599) {
        throw Error(ErrorKind::server_error, request_.doing + ": the server's answer is no HTTP",
                    no_s3_server);
    }
    curl_header* header = nullptr;
    while ((header = curl_easy_nextheader(easy_, CURLH_HEADER, -1, header)) != nullptr)
        response_.headers.try_emplace(lower_case(one_line(header->name)), one_line(header->value));
    if (!is_received()) return;
    // Without either, the end of the body is the end of the connection and looks the same as a broken one.
    const bool has_length = info<curl_off_t>(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) >= 0;
    if (!has_length && response_.header("transfer-encoding").find("chunked") == std::string_view::npos) {
        throw Error(ErrorKind::server_error,
                    request_.doing + ": the server does not say how long the object is",
                    "S3 servers do: does a proxy on the way remove Content-Length?");
    }
    if (has_length && response_.status == 200) request_.receiver->announced(claimed_length());
}

/// False when enough was kept.
bool HttpExchange::write(Bytes bytes) {
    read_headers();
    if (is_received()) {
        request_.receiver->write(bytes);
        return true;
    }
    const std::size_t room =
        request_.kept_body_limit - std::min(response_.body.size(), request_.kept_body_limit);
    response_.body.append(as_text(bytes.first(std::min(room, bytes.size()))));
    response_.body_cut = bytes.size() > room;
    return !response_.body_cut;
}

HttpResponse HttpExchange::take_response() {
    read_headers();
    return std::move(response_);
}

}  // namespace walferry
