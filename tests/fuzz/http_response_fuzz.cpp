#include <algorithm>
#include <charconv>

#include "common/store/http.hpp"
#include "common/store/s3_store.hpp"
#include "tests/fuzz/answering_server.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

constexpr std::size_t kept = 512;
constexpr std::string_view sent_body = "abc";
const std::string key = "wal/00000001/object";

AnsweringServer& server() {
    static AnsweringServer one;
    return one;
}

struct Counter : Receiver {
    std::size_t bytes = 0;
    void begin() override { bytes = 0; }
    void write(Bytes more) override { bytes += more.size(); }
};

struct TextBody : Body {
    std::uint64_t size() const noexcept override { return sent_body.size(); }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override {
        const std::string_view rest = sent_body.substr(offset);
        const std::size_t take = std::min(rest.size(), out.size());
        std::copy_n(as_bytes(rest).begin(), take, out.begin());
        return take;
    }
};

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

/// The length that an answer announces in the plainest way; nullopt where there is anything else about it.
std::optional<std::size_t> plain_length(const HttpResponse& response, std::string_view answer) {
    const std::string text = lower(answer);
    const auto once = [&](std::string_view word) {
        return text.find(word) != text.npos && text.find(word) == text.rfind(word);
    };
    if (!once("http/") || !once("content-length") || text.find("encoding") != text.npos) return std::nullopt;
    const std::string_view value = response.header("content-length");
    std::size_t length = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
    if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) return std::nullopt;
    return length;
}

void check_response(const HttpResponse& response, std::string_view answer) {
    must(response.status >= 100 && response.status <= 599, "a status is one of HTTP");
    must(response.body.size() <= kept, "no more of a body is kept than was asked for");
    must(response.headers.size() <= 200, "there is an end to headers");
    std::size_t bytes = 0;
    for (const auto& [name, value] : response.headers) {
        bytes += name.size() + value.size();
        must(name == lower(name), "the name of a header is in lower case");
        must(value.find('\n') == std::string::npos, "a header is one line");
    }
    must(bytes <= std::min<std::size_t>(64 * 1024, answer.size()), "headers have at most 64 KiB");
}

void check_http(const std::string& method, std::string_view answer, bool receive) {
    HttpClient client({.ca_file = {}, .ignore_proxies = true}, {});
    Counter counter;
    TextBody body;
    HttpRequest request;
    request.doing = "store r2: try";
    request.method = method;
    request.url = server().url() + "/" + key;
    request.kept_body_limit = kept;
    if (receive) request.receiver = &counter;
    if (method == "PUT") request.body = &body;
    HttpResponse response;
    const std::string error = error_of([&] { response = client.perform(request); });
    must(error.empty() || error.starts_with("store r2: try"), "an error says what was asked");
    must(counter.bytes <= answer.size(), "no more is received than was sent");
    if (!error.empty()) return;
    check_response(response, answer);
    if (!receive || response.status != 200) return;
    const auto length = plain_length(response, answer);
    must(!length || *length == counter.bytes, "an object is as long as was announced");
}

StoreSettings store() {
    static const MemoryFile credentials(
        as_bytes("[default]\naws_access_key_id=a\naws_secret_access_key=b\n"));
    StoreSettings settings;
    settings.name = "r2";
    settings.endpoint = server().url();
    settings.region = "auto";
    settings.bucket = "wal";
    settings.credentials_file = credentials.path();
    return settings;
}

void check_s3(std::size_t operation) {
    S3Store s3(store(), StoreAccess::write, {});
    const std::string error = error_of([&] {
        Counter counter;
        if (operation == 0) s3.get(key, counter);
        if (operation == 1) s3.head(key);
        if (operation == 2) s3.put(key, TextBody(), {});
        if (operation == 3) s3.remove(key);
        if (operation != 4) return;
        for (const ObjectInfo& object : s3.list("wal/", "wal/0").objects) {
            must(object.key.starts_with("wal/") && object.key > "wal/0",
                 "a listing holds what was asked for");
        }
    });
    must(error.empty() || error.starts_with("store r2: "), "an error names its store");
    must(std::none_of(error.begin(), error.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
         "a server's words are one line of a log");
}

}  // namespace

/// First byte: what is asked; the rest is the answer.
void check(Bytes input) {
    Choices choices(input);
    const std::size_t kind = choices.byte() % 9;
    const bool sends = kind == 3 || kind == 6;
    server().answer(std::string(choices.text()), sends ? sent_body : "");
    switch (kind) {
        case 0:
        case 1:
            return check_http("GET", choices.text(), kind == 1);
        case 2:
            return check_http("HEAD", choices.text(), false);
        case 3:
            return check_http("PUT", choices.text(), false);
        default:
            check_s3(kind - 4);
    }
}

std::vector<std::string> seeds() {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string xml = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    std::vector<std::string> all;
    for (char kind = 0; kind < 9; ++kind)
        all.push_back(kind + ok + "Content-Length: 5\r\nETag: x\r\n\r\nhello");
    const std::string got(1, '\1');
    all.push_back(got + ok +
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n");
    all.push_back(got + ok + "Connection: close\r\n\r\nno length");
    all.push_back(got + ok + "Content-Length: 99\r\n\r\ncut short");
    all.push_back(got + "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.0 503 Slow\r\nRetry-After: 3\r\n\r\n");
    all.push_back(got + ok + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
    all.push_back(got + "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    all.push_back("\10" + ok + "Content-Length: " + std::to_string(xml.size()) + "\r\n\r\n" + xml);
    all.push_back("\5HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    all.push_back(
        "\6HTTP/1.1 403 No\r\nContent-Length: 40\r\nDate: Tue, 31 Dec 2030 23:59:59 "
        "GMT\r\n\r\n<Error><Code>AccessDenied</Code></Error>");
    all.push_back("\4HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n<Error><Code>SlowDown</Code></Error> ");
    return all;
}

}  // namespace walferry::fuzz
