#include "common/store/http.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/store/http_exchange.hpp"
#include "common/store/proxy.hpp"

namespace walferry {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr long buffer_size = 256 * 1024;
constexpr milliseconds poll_step{500};
// Less than that per second counts as silence: a server that drips bytes is as good as dead.
constexpr std::uint64_t silence_rate = 1024;
// A whole transfer may take this long and its bytes at the slowest rate that is any use.
constexpr milliseconds transfer_allowance{60'000};
constexpr std::uint64_t slowest_rate = 32 * 1024;
// S3's largest object in one piece; a server may claim what it likes.
constexpr std::uint64_t largest_object = 5ULL << 30;

struct MultiDeleter {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct EasyDeleter {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct ListDeleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

void add(HeaderList& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
}

/// Takes the easy handle out of the multi handle again, whatever happens.
class Attached {
  public:
    Attached(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {
        if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) {
            throw Error(ErrorKind::internal, "libcurl does not start a request");
        }
    }
    ~Attached() { curl_multi_remove_handle(multi_, easy_); }
    Attached(const Attached&) = delete;
    Attached& operator=(const Attached&) = delete;

  private:
    CURLM* multi_;
    CURL* easy_;
};

/// libcurl fills its buffer up to a hundred times before it looks how fast that was, and then rests until the
/// average is right: with large buffers a small object would not be limited at all, and the rest after a
/// large one would pass for silence. So a hundred of them hold what one second may bring.
long receive_buffer_size(std::uint64_t bandwidth_limit) {
    if (bandwidth_limit == 0) return buffer_size;
    return std::clamp(static_cast<long>(bandwidth_limit / 100), 1024L, buffer_size);
}

std::string shown(milliseconds time) {
    if (time.count() % 1000 != 0) return std::to_string(time.count()) + " ms";
    return format_duration(std::chrono::duration_cast<std::chrono::seconds>(time));
}

/// What could not be reached may be the proxy.
std::string by_way_of(const HttpSettings& settings, const HttpRequest& request) {
    return settings.ignore_proxies ? std::string() : by_way_of_proxy(request.url);
}

/// Tells when a transfer has been silent or has lasted too long.
class Watchdog {
  public:
    Watchdog(const HttpSettings& settings, const HttpRequest& request)
        : settings_(settings), silence_(settings.silence_timeout), request_(request) {
        const std::uint64_t limit = settings.bandwidth_limit;
        const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(1, silence_.count() / 1000));
        rate_ = limit == 0 ? slowest_rate : std::min(slowest_rate, std::max<std::uint64_t>(1, limit / 2));
        floor_ = seconds * (limit == 0 ? silence_rate : std::min(silence_rate, limit / 4));
        body_size_ = request.body == nullptr ? 0 : request.body->size();
    }

    /// Call again and again from the moment the connection stands.
    void check(SteadyTime now, std::uint64_t moved, std::uint64_t claimed_length) {
        if (!running_) started_ = mark_ = now;
        running_ = true;
        if (moved > floor_ + moved_at_mark_) {
            mark_ = now;
            moved_at_mark_ = moved;
        }
        if (now - mark_ >= silence_) {
            throw Error(
                ErrorKind::unreachable,
                request_.doing + ": no answer for " + shown(silence_) + by_way_of(settings_, request_),
                "the store hangs, or the network to it: see its status page, and proxies and firewalls "
                "on the way; `silence_timeout` is how long an answer may take");
        }
        const std::uint64_t bytes = body_size_ + std::min(claimed_length, largest_object);
        const auto limit = transfer_allowance + milliseconds(bytes * 1000 / rate_);
        if (now - started_ >= limit) {
            throw Error(ErrorKind::unreachable,
                        request_.doing + ": not done after " + shown(limit) + ", too slow to go on",
                        "the line to the store, or the store, is slower than " +
                            std::to_string(rate_ / 1024) + " KiB a second");
        }
    }

  private:
    const HttpSettings& settings_;
    milliseconds silence_;
    const HttpRequest& request_;
    std::uint64_t rate_ = 1;
    std::uint64_t floor_ = 1;
    std::uint64_t body_size_ = 0;
    bool running_ = false;
    SteadyTime started_;
    SteadyTime mark_;
    std::uint64_t moved_at_mark_ = 0;
};

std::uint64_t bytes_moved(CURL* easy) {
    return static_cast<std::uint64_t>(info<curl_off_t>(easy, CURLINFO_SIZE_UPLOAD_T) +
                                      info<curl_off_t>(easy, CURLINFO_SIZE_DOWNLOAD_T));
}

int remember_socket(void* slot, curl_socket_t socket, curlsocktype) noexcept {
    *static_cast<curl_socket_t*>(slot) = socket;
    return CURL_SOCKOPT_OK;
}

/// Some servers write head and body apart without TCP_NODELAY; the body then waits for our acknowledgement of
/// the head, which the kernel would hold back for 40 ms. The kernel forgets the option, so it is set at each
/// step. Only an optimisation: should the socket be gone by now, the call fails and does no harm.
void acknowledge_at_once(curl_socket_t socket) noexcept {
    const int on = 1;
    if (socket != CURL_SOCKET_BAD) (void)::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void initialise_libcurl() {
    static const CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (rc != CURLE_OK) throw Error(ErrorKind::internal, "libcurl does not start");
}

Error unusable_authority(const std::string& message) {
    Error error(ErrorKind::config, message, "check `ca_file`: it must be a readable PEM file");
    error.code = unusable_ca_file;
    return error;
}

[[noreturn]] void throw_transport(CURLcode rc, const std::string& reason, const HttpSettings& settings,
                                  const HttpRequest& request) {
    const bool plain = request.url.starts_with("http:");
    const std::string message = request.doing + ": " + (reason.empty() ? curl_easy_strerror(rc) : reason) +
                                by_way_of(settings, request);
    switch (rc) {
        case CURLE_PEER_FAILED_VERIFICATION:
            throw Error(ErrorKind::untrusted, message,
                        "the server's certificate is not accepted: check `endpoint`, this host's clock, and "
                        "`ca_file` where the store has a CA of its own");
        case CURLE_SSL_CACERT_BADFILE:
            throw unusable_authority(message);
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_OUT_OF_MEMORY:  // what libcurl calls a header line beyond its limit
            throw Error(ErrorKind::server_error, message,
                        plain ? "is an S3 server at `endpoint`? One that speaks TLS needs https:// there"
                              : "is an S3 server at `endpoint`?");
        case CURLE_COULDNT_RESOLVE_HOST:
            if (settings.bucket_in_host) {
                throw Error(ErrorKind::unreachable, message,
                            "check the name server and `endpoint`; with `addressing = \"virtual\"` the "
                            "bucket is part of the host's name, and a server without such names needs "
                            "`addressing = \"path\"`");
            }
            [[fallthrough]];
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_SSL_CONNECT_ERROR:
            if (reason.find("wrong version number") != std::string::npos) {
                throw Error(
                    ErrorKind::unreachable, message,
                    "what answers at `endpoint` speaks no TLS: is the port right? Plain http:// is for "
                    "servers in a network that you trust");
            }
            throw Error(ErrorKind::unreachable, message,
                        "check the network, the name server and `endpoint`: its host, port and scheme");
        default:
            throw Error(
                ErrorKind::unreachable, message,
                std::string("the connection broke: see the store's status page, and proxies and firewalls on "
                            "the way") +
                    (plain ? "; a server that speaks TLS needs https:// in `endpoint`" : ""));
    }
}

}  // namespace

struct HttpClient::Handles {
    // In this order: libcurl wants the multi handle to go first.
    std::unique_ptr<CURL, EasyDeleter> easy;
    std::unique_ptr<CURLM, MultiDeleter> multi;
    std::array<char, CURL_ERROR_SIZE> reason{};
    curl_socket_t socket = CURL_SOCKET_BAD;  // the one connected last

    void prepare(const HttpSettings& settings, const HttpRequest& request, curl_slist* headers);
    CURLcode run(HttpExchange& exchange, Watchdog& watchdog, const std::stop_token& stop,
                 const std::string& doing);
};

HttpClient::HttpClient(HttpSettings settings, std::stop_token stop)
    : settings_(std::move(settings)), stop_(std::move(stop)), handles_(std::make_unique<Handles>()) {
    if (!settings_.ca_file.empty() && ::access(settings_.ca_file.c_str(), R_OK) != 0) {
        throw unusable_authority("cannot read the CA file " + settings_.ca_file + ": " +
                                 std::strerror(errno));
    }
    initialise_libcurl();
    handles_->multi.reset(curl_multi_init());
    if (!handles_->multi) throw std::bad_alloc();
}

HttpClient::~HttpClient() = default;

void HttpClient::Handles::prepare(const HttpSettings& settings, const HttpRequest& request,
                                  curl_slist* headers) {
    // A handle that has met a failure may refuse options for ever after: libcurl 7.88 keeps the buffer of a
    // request whose host name did not resolve, and then its size cannot be set. Connections live in the multi
    // handle.
    easy.reset(curl_easy_init());
    if (!easy) throw std::bad_alloc();
    CURL* e = easy.get();
    reason.front() = '\0';
    set_option(e, CURLOPT_ERRORBUFFER, reason.data());
    set_option(e, CURLOPT_URL, request.url.c_str());
    set_option(e, CURLOPT_PATH_AS_IS, 1L);
    set_option(e, CURLOPT_PROTOCOLS_STR, request.url.starts_with("http:") ? "http" : "https");
    set_option(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set_option(e, CURLOPT_FOLLOWLOCATION, 0L);
    set_option(e, CURLOPT_HTTPHEADER, headers);
    set_option(e, CURLOPT_USERAGENT, "walferry/" WALFERRY_VERSION);
    set_option(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (settings.ignore_proxies) set_option(e, CURLOPT_NOPROXY, "*");

    set_option(e, CURLOPT_SSL_VERIFYPEER, 1L);
    set_option(e, CURLOPT_SSL_VERIFYHOST, 2L);
    set_option(e, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!settings.ca_file.empty()) {
        set_option(e, CURLOPT_CAINFO, settings.ca_file.c_str());
        set_option(e, CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }

    set_option(e, CURLOPT_NOSIGNAL, 1L);
    // Without this, a name server that does not answer holds up the end of a request that was given up.
    set_option(e, CURLOPT_QUICK_EXIT, 1L);
    set_option(e, CURLOPT_TCP_NODELAY, 1L);
    set_option(e, CURLOPT_SOCKOPTFUNCTION, &remember_socket);
    set_option(e, CURLOPT_SOCKOPTDATA, static_cast<void*>(&socket));
    set_option(e, CURLOPT_TCP_KEEPALIVE, 1L);
    set_option(e, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
    set_option(e, CURLOPT_BUFFERSIZE, receive_buffer_size(settings.bandwidth_limit));
    set_option(e, CURLOPT_UPLOAD_BUFFERSIZE, buffer_size);
    set_option(e, CURLOPT_MAX_SEND_SPEED_LARGE, static_cast<curl_off_t>(settings.bandwidth_limit));
    set_option(e, CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(settings.bandwidth_limit));

    if (request.body != nullptr) {
        set_option(e, CURLOPT_UPLOAD, 1L);
        set_option(e, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    } else if (request.method == "HEAD") {
        set_option(e, CURLOPT_NOBODY, 1L);
    } else {
        set_option(e, CURLOPT_HTTPGET, 1L);
    }
    if (request.method == "DELETE") set_option(e, CURLOPT_CUSTOMREQUEST, "DELETE");
}

CURLcode HttpClient::Handles::run(HttpExchange& exchange, Watchdog& watchdog, const std::stop_token& stop,
                                  const std::string& doing) {
    const Attached attached(multi.get(), easy.get());
    const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi.get()); });
    for (;;) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, doing + ": stopped on request");
        int running = 0;
        if (curl_multi_perform(multi.get(), &running) != CURLM_OK) {
            throw Error(ErrorKind::internal, doing + ": libcurl lost its way");
        }
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
            if (message->msg == CURLMSG_DONE) return message->data.result;
        }
        if (exchange.header_bytes() > 0) acknowledge_at_once(socket);
        // Until the request can be sent, the connect timeout is what counts.
        if (info<curl_off_t>(easy.get(), CURLINFO_PRETRANSFER_TIME_T) > 0) {
            watchdog.check(std::chrono::steady_clock::now(),
                           bytes_moved(easy.get()) + exchange.header_bytes(), exchange.claimed_length());
        }
        if (curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(poll_step.count()), nullptr) !=
            CURLM_OK) {
            throw Error(ErrorKind::internal, doing + ": libcurl cannot wait");
        }
    }
}

HttpResponse HttpClient::perform(const HttpRequest& request) {
    HeaderList headers;
    for (const std::string& line : request.headers) add(headers, line);
    // An empty value keeps libcurl from adding these of its own accord.
    for (const char* unwanted : {"Expect:", "Accept:", "Content-Type:"}) add(headers, unwanted);

    handles_->prepare(settings_, request, headers.get());
    HttpExchange exchange(request);
    exchange.attach(handles_->easy.get());
    Watchdog watchdog(settings_, request);
    const CURLcode rc = handles_->run(exchange, watchdog, stop_, request.doing);
    if (exchange.parked()) std::rethrow_exception(exchange.parked());
    if (rc != CURLE_OK && !exchange.body_cut())
        throw_transport(rc, handles_->reason.data(), settings_, request);
    return exchange.take_response();
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view value) {
    const std::time_t time = curl_getdate(std::string(value).c_str(), nullptr);
    if (value.empty() || time < 0) return std::nullopt;
    return std::chrono::sys_seconds(std::chrono::seconds(time));
}

std::optional<milliseconds> parse_retry_after(std::string_view value, std::chrono::sys_seconds now) {
    static constexpr std::int64_t a_day = 86'400;
    std::int64_t seconds = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (value.empty()) return std::nullopt;
    if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) {
        const auto date = parse_http_date(value);
        if (!date) return std::nullopt;
        seconds = (*date - now).count();
    }
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, a_day));
}

}  // namespace walferry
