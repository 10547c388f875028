#include "common/store/s3_error.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/clock.hpp"
#include "common/settings/settings_values.hpp"
#include "common/store/proxy.hpp"
#include "common/store/s3_xml.hpp"

namespace walferry {
namespace {

using std::chrono::sys_seconds;

// {…} is filled in from the configuration.
constexpr std::string_view hint_rights =
    "the keys in {credentials} need the right {right} in bucket {bucket}: check their policy, and whether "
    "they "
    "are meant for this bucket";
constexpr std::string_view hint_secret =
    "the secret key in {credentials} does not belong to its access key, or `region` ({region}) is not what "
    "the store "
    "expects";
constexpr std::string_view hint_access_key =
    "the store does not know the access key in {credentials}: was it revoked, or is it another provider's?";
constexpr std::string_view hint_token =
    "renew the session token in {credentials}; the file is read again by itself";
constexpr std::string_view hint_account = "the provider has closed or limited the account; see its console";
constexpr std::string_view hint_bucket = "create bucket {bucket} at {endpoint}, or correct `bucket`";
constexpr std::string_view hint_bucket_in_host =
    "create bucket {bucket} at {endpoint}, or correct `bucket`; a server that takes no bucket in its host's "
    "name "
    "needs `addressing = \"path\"`";
constexpr std::string_view hint_tls = "the server at {endpoint} speaks TLS: write https:// in `endpoint`";
constexpr std::string_view hint_region = "set `region` to what the store expects (it is {region} now)";
constexpr std::string_view hint_endpoint =
    "set `endpoint` and `region` to those of the bucket; redirects are not followed";
constexpr std::string_view hint_size = "the store takes no object of this size in one piece";
constexpr std::string_view hint_quota =
    "free space at the store or raise its quota; nothing was lost, the upload stays pending";
constexpr std::string_view hint_clock =
    "set this host's clock: is time synchronisation running (timedatectl)?";
constexpr std::string_view hint_virtual =
    "is an S3 server at {endpoint}? Check `endpoint`, `bucket` and `addressing`";
constexpr std::string_view hint_slower =
    "the store wants fewer requests: if this goes on, lower `jobs` or set `bandwidth_limit`";
constexpr std::string_view hint_fault =
    "a fault of the store's, tried again with the next run: if this goes on, see its status page";
constexpr std::string_view hint_arrived =
    "what arrived there is not what was sent: if this goes on, look at proxies on the way and at this host's "
    "memory";
constexpr std::string_view no_hint = "";

struct CodeRow {
    std::string_view code;
    ErrorKind kind;
    std::string_view hint;
};

constexpr std::array code_table{
    CodeRow{"AccessDenied", ErrorKind::denied, hint_rights},
    CodeRow{"AllAccessDisabled", ErrorKind::denied, hint_account},
    CodeRow{"AccountProblem", ErrorKind::denied, hint_account},
    CodeRow{"NotSignedUp", ErrorKind::denied, hint_account},
    CodeRow{"Unauthorized", ErrorKind::denied, hint_access_key},
    CodeRow{"InvalidAccessKeyId", ErrorKind::denied, hint_access_key},
    CodeRow{"SignatureDoesNotMatch", ErrorKind::denied, hint_secret},
    CodeRow{"InvalidToken", ErrorKind::denied, hint_token},
    CodeRow{"ExpiredToken", ErrorKind::denied, hint_token},
    CodeRow{"TokenRefreshRequired", ErrorKind::denied, hint_token},
    CodeRow{"RequestTimeTooSkewed", ErrorKind::clock_skew, hint_clock},
    CodeRow{"RequestExpired", ErrorKind::clock_skew, hint_clock},
    CodeRow{"NoSuchBucket", ErrorKind::no_bucket, hint_bucket},
    CodeRow{"InvalidBucketName", ErrorKind::no_bucket, hint_bucket},
    CodeRow{"NoSuchKey", ErrorKind::not_found, no_hint},
    CodeRow{"AuthorizationHeaderMalformed", ErrorKind::rejected, hint_region},
    CodeRow{"InvalidRegionName", ErrorKind::rejected, hint_region},
    CodeRow{"IllegalLocationConstraintException", ErrorKind::rejected, hint_region},
    CodeRow{"PermanentRedirect", ErrorKind::rejected, hint_endpoint},
    CodeRow{"TemporaryRedirect", ErrorKind::rejected, hint_endpoint},
    CodeRow{"EntityTooLarge", ErrorKind::rejected, hint_size},
    CodeRow{"NotImplemented", ErrorKind::rejected, no_hint},
    CodeRow{"MethodNotAllowed", ErrorKind::rejected, hint_virtual},
    CodeRow{"QuotaExceeded", ErrorKind::no_space, hint_quota},
    CodeRow{"InsufficientStorage", ErrorKind::no_space, hint_quota},
    CodeRow{"StorageLimitExceeded", ErrorKind::no_space, hint_quota},
    CodeRow{"XMinioStorageFull", ErrorKind::no_space, hint_quota},
    CodeRow{"XMinioAdminBucketQuotaExceeded", ErrorKind::no_space, hint_quota},
    CodeRow{"SlowDown", ErrorKind::throttled, hint_slower},
    CodeRow{"SlowDownRead", ErrorKind::throttled, hint_slower},
    CodeRow{"SlowDownWrite", ErrorKind::throttled, hint_slower},
    CodeRow{"Throttling", ErrorKind::throttled, hint_slower},
    CodeRow{"ThrottlingException", ErrorKind::throttled, hint_slower},
    CodeRow{"TooManyRequests", ErrorKind::throttled, hint_slower},
    CodeRow{"RequestLimitExceeded", ErrorKind::throttled, hint_slower},
    CodeRow{"BandwidthLimitExceeded", ErrorKind::throttled, hint_slower},
    // The request was fine, what arrived of it was not.
    CodeRow{"BadDigest", ErrorKind::server_error, hint_arrived},
    CodeRow{"XAmzContentSHA256Mismatch", ErrorKind::server_error, hint_arrived},
    CodeRow{"IncompleteBody", ErrorKind::server_error, hint_arrived},
    CodeRow{"RequestTimeout", ErrorKind::server_error, hint_fault},
    CodeRow{"InternalError", ErrorKind::server_error, hint_fault},
    CodeRow{"OperationAborted", ErrorKind::server_error, hint_fault},
    CodeRow{"ServiceUnavailable", ErrorKind::server_error, hint_fault},
};

CodeRow by_status(int status) {
    switch (status) {
        case 401:
        case 403:
            return {"", ErrorKind::denied, hint_rights};
        case 404:
            // Only an S3 server can say that an object is missing; any web server says 404.
            return {"", ErrorKind::rejected, hint_virtual};
        case 408:
        case 409:
            return {"", ErrorKind::server_error, hint_fault};
        case 413:
            return {"", ErrorKind::rejected, hint_size};
        case 429:
        case 503:
            return {"", ErrorKind::throttled, hint_slower};
        case 501:
            return {"", ErrorKind::rejected, no_hint};
        case 507:
            return {"", ErrorKind::no_space, hint_quota};
        default:
            break;
    }
    if (status >= 300 && status < 400) return {"", ErrorKind::rejected, hint_endpoint};
    if (status >= 400 && status < 500) return {"", ErrorKind::rejected, hint_virtual};
    // Also an error document behind a status that says success.
    return {"", ErrorKind::server_error, hint_fault};
}

CodeRow classify(int status, const std::string& code) {
    for (const CodeRow& row : code_table) {
        if (row.code == code) return row;
    }
    return by_status(status);
}

std::string filled_in(std::string_view hint, const S3Refusal& refusal) {
    const std::string right(refusal.right);
    const std::array<std::pair<std::string_view, const std::string*>, 5> fields{{
        {"{right}", &right},
        {"{credentials}", &refusal.credentials_file},
        {"{bucket}", &refusal.settings.bucket},
        {"{region}", &refusal.settings.region},
        {"{endpoint}", &refusal.settings.endpoint},
    }};
    std::string text(hint);
    for (const auto& [name, value] : fields) {
        for (std::size_t at = text.find(name); at != std::string::npos;
             at = text.find(name, at + value->size())) {
            text.replace(at, name.size(), *value);
        }
    }
    return text;
}

/// "2013-05-24 00:00:00 UTC" of both clocks, and by how much they differ.
std::string two_clocks(sys_seconds ours, sys_seconds theirs) {
    const std::chrono::seconds apart(std::llabs((ours - theirs).count()));
    return "this host's clock says " + format_time(ours) + ", the store's says " + format_time(theirs) +
           ", " + format_duration(apart) + " apart";
}

bool far_apart(sys_seconds a, sys_seconds b) {
    // S3 accepts a quarter of an hour; an answer may have been on its way for a while.
    return std::chrono::seconds(std::llabs((a - b).count())) > std::chrono::minutes(10);
}

/// A TLS port that answers a plain request says so in its own words: "Client sent an HTTP request to an HTTPS
/// server", "The plain HTTP request was sent to HTTPS port".
bool speaks_tls(const S3Refusal& refusal) {
    return refusal.response.status == 400 && refusal.settings.endpoint.starts_with("http://") &&
           refusal.response.body.find("HTTPS") != std::string::npos;
}

/// What the store says about where the bucket really is.
std::string whereabouts(const HttpResponse& response, const S3ErrorBody& body) {
    const std::string region =
        cleaned(body.region.empty() ? response.header("x-amz-bucket-region") : body.region);
    const std::string place = cleaned(body.endpoint.empty() ? response.header("location") : body.endpoint);
    std::string text;
    if (!region.empty()) text += "; the store names region \"" + region + "\"";
    if (!place.empty()) text += "; the store points to " + place;
    return text;
}

}  // namespace

std::string cleaned(std::string_view text) {
    static constexpr std::size_t longest = 200;
    std::string clean(text.substr(0, longest));
    for (char& c : clean) {
        if (c < 0x20 || c > 0x7e) c = ' ';  // whether char is signed or not
    }
    if (text.size() > longest) clean += "...";
    return clean;
}

Error s3_error(const S3Refusal& refusal) {
    const HttpResponse& response = refusal.response;
    const S3ErrorBody body = parse_error_body(response.body).value_or(S3ErrorBody{});
    CodeRow row = classify(response.status, body.code);

    const auto server_clock = parse_http_date(response.header("date"));
    const bool skewed = server_clock && far_apart(*server_clock, refusal.now);
    if (row.kind == ErrorKind::denied && skewed) row = {"", ErrorKind::clock_skew, hint_clock};

    if (row.kind == ErrorKind::no_bucket && refusal.settings.addressing == Addressing::virtual_host)
        row.hint = hint_bucket_in_host;
    if (speaks_tls(refusal)) row = {"", ErrorKind::rejected, hint_tls};

    std::string message = refusal.doing + ": answered " + std::to_string(response.status);
    if (!body.code.empty()) message += " " + cleaned(body.code);
    // What has no error document may be a proxy's answer.
    if (body.code.empty() && !is_loopback_endpoint(refusal.settings.endpoint))
        message += by_way_of_proxy(refusal.settings.endpoint);
    if (!body.message.empty()) message += " (" + cleaned(body.message) + ")";
    if (row.kind == ErrorKind::clock_skew && server_clock)
        message += "; " + two_clocks(refusal.now, *server_clock);
    if (row.kind == ErrorKind::rejected) message += whereabouts(response, body);

    Error error(row.kind, message, filled_in(row.hint, refusal));
    error.code = cleaned(body.code);
    error.retry_after = parse_retry_after(response.header("retry-after"), refusal.now);
    return error;
}

}  // namespace walferry
