#include "common/store/s3_address.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/settings/settings_values.hpp"
#include "common/store/sigv4.hpp"

namespace walferry {
namespace {

[[noreturn]] void refuse(const StoreSettings& settings, const std::string& reason, const std::string& hint) {
    throw Error(ErrorKind::config,
                "store " + settings.name + ": endpoint \"" + settings.endpoint + "\" " + reason, hint);
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

struct HostAndPort {
    std::string name;  // without the brackets of an IPv6 address
    bool is_address = false;
    std::string_view port;
};

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_host_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
    });
}

bool is_bucket_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
               c == '.' || c == '_';
    });
}

bool parse_host(std::string_view text, HostAndPort& out) {
    in_addr v4{};
    in6_addr v6{};
    std::size_t end = 0;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return false;
        out.name = text.substr(1, close - 1);
        out.is_address = inet_pton(AF_INET6, out.name.c_str(), &v6) == 1;
        if (!out.is_address) return false;
        end = close + 1;
    } else {
        end = std::min(text.find(':'), text.size());
        out.name = text.substr(0, end);
        out.is_address = inet_pton(AF_INET, out.name.c_str(), &v4) == 1;
        if (!is_host_name(out.name)) return false;
    }
    std::string_view rest = text.substr(end);
    if (rest.empty()) return true;
    out.port = rest.substr(1);
    return rest.front() == ':' && is_port(out.port);
}

}  // namespace

S3Address::S3Address(const StoreSettings& settings) {
    static constexpr const char* form = "write it as https://HOST or https://HOST:PORT, in lower case";
    std::string_view rest = settings.endpoint;
    if (take_prefix(rest, "https://")) {
        scheme_ = "https";
    } else if (take_prefix(rest, "http://")) {
        scheme_ = "http";
    } else {
        refuse(settings, "is neither https:// nor http://", form);
    }
    HostAndPort host;
    if (!parse_host(rest, host)) refuse(settings, "is not a host with an optional port", form);
    loopback_ = is_loopback_endpoint(settings.endpoint);
    if (scheme_ == "http" && !loopback_ && !settings.allow_http) {
        refuse(settings, "is plain http to another host",
               "use https, or say `allow_http = true` where the network in between is trusted");
    }

    if (!is_bucket_name(settings.bucket)) {
        throw Error(ErrorKind::config,
                    "store " + settings.name + ": \"" + settings.bucket + "\" is no bucket's name",
                    "a bucket's name has letters, digits, hyphens, dots and underscores");
    }

    const bool default_port = host.port.empty() || host.port == (scheme_ == "https" ? "443" : "80");
    const std::string authority =
        host.name.find(':') == std::string::npos ? host.name : "[" + host.name + "]";
    if (settings.addressing == Addressing::virtual_host) {
        if (host.is_address) {
            refuse(settings, "is an IP address, which cannot carry the bucket's name",
                   "use `addressing = \"path\"`, or an endpoint with a host name");
        }
        host_ = settings.bucket + ".";
    } else {
        bucket_in_path_ = "/" + sigv4::encode(settings.bucket, false);
    }
    host_ += authority;
    if (!default_port) host_.append(":").append(host.port);
}

std::string S3Address::path(std::string_view key) const {
    if (key.empty()) return bucket_in_path_.empty() ? "/" : bucket_in_path_;
    return bucket_in_path_ + "/" + sigv4::encode(key, true);
}

std::string S3Address::url(std::string_view encoded_path, std::string_view encoded_query) const {
    std::string url = scheme_ + "://" + host_ + std::string(encoded_path);
    if (!encoded_query.empty()) url.append("?").append(encoded_query);
    return url;
}

}  // namespace walferry
