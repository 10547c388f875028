#include "common/store/s3_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/store/content_md5.hpp"
#include "common/store/s3_error.hpp"
#include "common/store/s3_xml.hpp"

namespace walferry {
namespace {

// A thousand keys of the greatest length, every character escaped, fit.
constexpr std::size_t listing_limit = 8 * 1024 * 1024;
constexpr int keys_a_page = 1000;

const std::string& credentials_file_for(const StoreSettings& settings, StoreAccess access) {
    const bool own = access == StoreAccess::restore && !settings.restore_credentials_file.empty();
    return own ? settings.restore_credentials_file : settings.credentials_file;
}

Credentials read_credentials(const std::string& file) {
    return Credentials(read_secret_file(file, "credentials file"), file);
}

HttpSettings http_settings(const StoreSettings& settings, const S3Address& address) {
    HttpSettings http;
    http.ca_file = settings.ca_file;
    http.connect_timeout = settings.connect_timeout;
    http.silence_timeout = settings.silence_timeout;
    http.bandwidth_limit = settings.bandwidth_limit;
    http.ignore_proxies = address.loopback();
    http.bucket_in_host = settings.addressing != Addressing::path;
    return http;
}

std::chrono::sys_seconds now_in_seconds() {
    return std::chrono::floor<std::chrono::seconds>(wall_now());
}

/// As AWS and B2 say it of a bucket with Object Lock: "Content-MD5 OR x-amz-checksum- HTTP header is
/// required".
bool asks_for_md5(const HttpResponse& response) {
    static constexpr std::string_view md5 = "md5";
    const auto same = [](char said, char lower_case) { return (said | 0x20) == lower_case; };
    const std::string& text = response.body;
    return response.status == 400 &&
           std::search(text.begin(), text.end(), md5.begin(), md5.end(), same) != text.end();
}

bool is_one_of(int status, std::initializer_list<int> expected) {
    return std::find(expected.begin(), expected.end(), status) != expected.end();
}

}  // namespace

struct S3Store::Call {
    std::string doing;
    std::string method;
    std::string key;  // empty: the bucket
    sigv4::NamedValues query;
    const Body* body = nullptr;
    const BodyDigest* digest = nullptr;
    Receiver* receiver = nullptr;
    std::size_t kept_body_limit = 64 * 1024;
    std::initializer_list<int> expected;
    std::string range = {};  // of a part of an object

    bool asks_for_versions() const {
        return std::any_of(query.begin(), query.end(),
                           [](const auto& each) { return each.first == "versions"; });
    }
    /// By the names of AWS, and those of Backblaze, which has its own.
    std::string_view right() const {
        if (method == "PUT") return "s3:PutObject (B2: writeFiles)";
        if (method == "DELETE" && !query.empty()) return "s3:DeleteObjectVersion (B2: deleteFiles)";
        if (method == "DELETE") return "s3:DeleteObject (B2: deleteFiles)";
        if (key.empty() && asks_for_versions()) return "s3:ListBucketVersions (B2: listFiles)";
        return key.empty() ? "s3:ListBucket (B2: listFiles)" : "s3:GetObject (B2: readFiles)";
    }
};

S3Store::S3Store(StoreSettings settings, StoreAccess access, std::stop_token stop)
    : settings_(std::move(settings)),
      credentials_file_(credentials_file_for(settings_, access)),
      credentials_(read_credentials(credentials_file_)),
      address_(settings_),
      client_(http_settings(settings_, address_), std::move(stop)) {}

std::string S3Store::doing(const char* verb, const std::string& what) const {
    return "store " + settings_.name + ": " + verb + " " + what;
}

HttpRequest S3Store::signed_request(const Call& call, std::chrono::sys_seconds now) const {
    sigv4::Request request;
    request.method = call.method;
    request.path = address_.path(call.key);
    request.query = call.query;
    request.payload_sha256 =
        call.digest == nullptr ? std::string(sigv4::empty_payload_sha256) : hex(call.digest->sha256);
    request.headers = {{"Host", address_.host()},
                       {"x-amz-content-sha256", request.payload_sha256},
                       {"x-amz-date", sigv4::amz_date(now)}};
    if (call.body != nullptr && send_md5_)
        request.headers.emplace_back("Content-MD5", content_md5(*call.body));
    if (!credentials_.session_token().empty()) {
        request.headers.emplace_back("x-amz-security-token", credentials_.session_token());
    }
    const auto signature =
        sigv4::sign(request, {credentials_.access_key(), credentials_.secret_key(), settings_.region}, now);

    HttpRequest http;
    http.doing = call.doing;
    http.method = call.method;
    http.url = address_.url(request.path, sigv4::canonical_query(call.query));
    for (const auto& [name, value] : request.headers) http.headers.push_back(name + ": " + value);
    http.headers.push_back("Authorization: " + signature.authorization);
    http.body = call.body;
    http.receiver = call.receiver;
    if (!call.range.empty()) {
        http.headers.push_back("Range: " + call.range);
        http.received_status = 206;
    }
    http.kept_body_limit = call.kept_body_limit;
    return http;
}

/// True when the file holds other keys than before: they may have been rotated while this program ran.
bool S3Store::reload_credentials() {
    try {
        Credentials fresh = read_credentials(credentials_file_);
        if (fresh == credentials_) return false;
        credentials_ = std::move(fresh);
        return true;
    } catch (const Error&) {
        return false;  // perhaps half replaced just now; that the store denies us is the better message
    }
}

Error S3Store::refused(const Call& call, const HttpResponse& response) const {
    return s3_error({call.doing, response, settings_, credentials_file_, now_in_seconds(), call.right()});
}

HttpResponse S3Store::send(const Call& call) {
    for (;;) {
        HttpResponse response = client_.perform(signed_request(call, now_in_seconds()));
        if (const auto theirs = parse_http_date(response.header("date")))
            clock_ahead_ = *theirs - now_in_seconds();
        if (is_one_of(response.status, call.expected)) return response;
        if (call.body != nullptr && asks_for_md5(response) && !std::exchange(send_md5_, true)) continue;
        const Error error = refused(call, response);
        if (error.kind() != ErrorKind::denied || !reload_credentials()) throw error;
    }
}

PutResult S3Store::put(const std::string& key, const Body& body, const BodyDigest& digest) {
    Call call{doing("put", key), "PUT", key, {}, &body, &digest, nullptr, 64 * 1024, {200, 201, 204}};
    try {
        const HttpResponse response = send(call);
        // Some failures are found out after the status was sent.
        if (parse_error_body(response.body)) throw refused(call, response);
        note_version(response);
    } catch (const Error&) {
        // A store that wants an MD5 may have hung up before its answer could be read.
        send_md5_ = true;
        throw;
    }
    return PutResult::stored;
}

/// "null" is what S3 calls the only version of a bucket that keeps none.
void S3Store::note_version(const HttpResponse& response) {
    version_ = response.header("x-amz-version-id");
    if (version_ == "null") version_.clear();
    modified_ = parse_http_date(response.header("last-modified"));
}

void S3Store::get(const std::string& key, Receiver& receiver) {
    receiver.begin();
    send({doing("get", key), "GET", key, {}, nullptr, nullptr, &receiver, 64 * 1024, {200}});
}

void S3Store::get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                        Receiver& receiver) {
    Call call{
        doing("get a part of", key), "GET", key, {}, nullptr, nullptr, &receiver, 64 * 1024, {200, 206}};
    call.range = "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1);
    receiver.begin();
    if (send(call).status == 206) return;
    throw Error(ErrorKind::rejected, call.doing + ": the store sends the whole object instead",
                "does a proxy on the way remove the header Range?");
}

std::optional<ObjectInfo> S3Store::head(const std::string& key) {
    const HttpResponse response =
        send({doing("head", key), "HEAD", key, {}, nullptr, nullptr, nullptr, 64 * 1024, {200, 404}});
    if (response.status == 404) {
        // The answer to HEAD has no body, so a missing bucket looks the same: a listing tells them apart.
        const ObjectPage page = list(key, "", 1);
        if (page.objects.empty() || page.objects.front().key != key) return std::nullopt;
        return page.objects.front();
    }
    note_version(response);
    ObjectInfo object{key, 0};
    const std::string_view length = response.header("content-length");
    const auto parsed = std::from_chars(length.data(), length.data() + length.size(), object.size);
    if (parsed.ec != std::errc() || parsed.ptr != length.data() + length.size()) {
        throw Error(ErrorKind::server_error,
                    doing("head", key) + ": the server does not say how long the object is",
                    "S3 servers do: does a proxy on the way remove Content-Length?");
    }
    return object;
}

ObjectPage S3Store::list(const std::string& prefix, const std::string& start_after) {
    return list(prefix, start_after, keys_a_page);
}

ObjectPage S3Store::list(const std::string& prefix, const std::string& start_after, int limit) {
    Call call{doing("list", prefix), "GET", "", {}, nullptr, nullptr, nullptr, listing_limit, {200}};
    call.query = {{"list-type", "2"},
                  {"encoding-type", "url"},
                  {"max-keys", std::to_string(limit)},
                  {"prefix", prefix}};
    if (!start_after.empty()) call.query.emplace_back("start-after", start_after);
    return parse_listing(send_listing(call).body, prefix, start_after, call.doing);
}

HttpResponse S3Store::send_listing(const Call& call) {
    HttpResponse response = send(call);
    if (response.body_cut)
        throw Error(ErrorKind::server_error, call.doing + ": the listing has no end",
                    "is an S3 server at `endpoint`?");
    if (response.status == 200 && parse_error_body(response.body)) throw refused(call, response);
    return response;
}

VersionPage S3Store::list_versions(const std::string& prefix, const std::string& key_marker,
                                   const std::string& id_marker) {
    Call call{doing("list versions of", prefix),
              "GET",
              "",
              {},
              nullptr,
              nullptr,
              nullptr,
              listing_limit,
              {200, 501}};
    call.query = {{"encoding-type", "url"},
                  {"max-keys", std::to_string(keys_a_page)},
                  {"prefix", prefix},
                  {"versions", ""}};
    if (!key_marker.empty()) call.query.emplace_back("key-marker", key_marker);
    if (!id_marker.empty()) call.query.emplace_back("version-id-marker", id_marker);
    const HttpResponse response = send_listing(call);
    // R2 and some gateways have no versions and say so.
    if (response.status == 501) return ObjectStore::list_versions(prefix, key_marker, id_marker);
    return parse_versions(response.body, prefix, {key_marker, id_marker}, call.doing);
}

void S3Store::remove(const std::string& key) {
    remove_version(key, {});
}

void S3Store::remove_version(const std::string& key, const std::string& id) {
    Call call{doing("remove", key), "DELETE", key, {}, nullptr, nullptr, nullptr, 64 * 1024, {200, 202, 204}};
    if (!id.empty()) call.query = {{"versionId", id}};
    try {
        send(call);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
    }
}

}  // namespace walferry
