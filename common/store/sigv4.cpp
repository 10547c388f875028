#include "common/store/sigv4.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "common/error.hpp"

namespace walferry::sigv4 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Digest sha256(std::string_view text) {
    Digest digest{};
    SHA256(raw(text), text.size(), digest.data());
    return digest;
}

Digest hmac(Bytes key, std::string_view text) {
    Digest digest{};
    unsigned length = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(), digest.data(),
             &length) == nullptr) {
        throw Error(ErrorKind::internal, "cannot sign a request: OpenSSL refused HMAC-SHA256");
    }
    return digest;
}

/// Each step is as good as the secret for a day and one region, so all of them are wiped.
Digest signing_key(const Signer& signer, std::string_view day) {
    std::string first = "AWS4";
    first.reserve(first.size() + signer.secret_key.size());
    first += signer.secret_key;
    Digest key = hmac(as_bytes(first), day);
    OPENSSL_cleanse(first.data(), first.size());
    for (const std::string_view part : {signer.region, signer.service, std::string_view("aws4_request")}) {
        Digest next = hmac(std::as_bytes(std::span(key)), part);
        key = next;
        OPENSSL_cleanse(next.data(), next.size());
    }
    return key;
}

std::string digits(const Digest& digest) {
    return hex(std::as_bytes(std::span(digest)));
}

bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Without white space at the ends and with single spaces inside.
std::string trimmed(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (!is_space(c)) {
            text += c;
        } else if (!text.empty() && text.back() != ' ') {
            text += ' ';
        }
    }
    if (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// By lower-case name; the values of a repeated header joined in their order.
std::map<std::string, std::string> canonical_headers(const NamedValues& headers) {
    std::map<std::string, std::string> canonical;
    for (const auto& [name, value] : headers) {
        std::string key = name;
        std::transform(key.begin(), key.end(), key.begin(), lower);
        const auto [place, fresh] = canonical.try_emplace(key, trimmed(value));
        if (!fresh) place->second += "," + trimmed(value);
    }
    return canonical;
}

}  // namespace

std::string encode(std::string_view text, bool keep_slashes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size() + 16);
    for (const char c : text) {
        const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                                c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved || (keep_slashes && c == '/')) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 15];
        }
    }
    return encoded;
}

std::string canonical_query(const NamedValues& query) {
    NamedValues encoded;
    encoded.reserve(query.size());
    for (const auto& [name, value] : query) encoded.emplace_back(encode(name, false), encode(value, false));
    std::sort(encoded.begin(), encoded.end());
    std::string text;
    for (const auto& [name, value] : encoded) {
        if (!text.empty()) text += '&';
        text.append(name).append("=").append(value);
    }
    return text;
}

std::string amz_date(std::chrono::sys_seconds time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text.data();
}

Signature sign(const Request& request, const Signer& signer, std::chrono::sys_seconds time) {
    std::string signed_headers;
    std::string header_lines;
    for (const auto& [name, value] : canonical_headers(request.headers)) {
        if (!signed_headers.empty()) signed_headers += ';';
        signed_headers += name;
        header_lines.append(name).append(":").append(value).append("\n");
    }

    Signature result;
    result.canonical_request = request.method + "\n" + request.path + "\n" + canonical_query(request.query) +
                               "\n" + header_lines + "\n" + signed_headers + "\n" + request.payload_sha256;

    const std::string date = amz_date(time);
    const std::string day = date.substr(0, 8);
    const std::string scope =
        day + "/" + std::string(signer.region) + "/" + std::string(signer.service) + "/aws4_request";
    result.string_to_sign =
        std::string(algorithm) + "\n" + date + "\n" + scope + "\n" + digits(sha256(result.canonical_request));

    Digest key = signing_key(signer, day);
    result.signature = digits(hmac(std::as_bytes(std::span(key)), result.string_to_sign));
    OPENSSL_cleanse(key.data(), key.size());
    result.authorization = std::string(algorithm) + " Credential=" + std::string(signer.access_key) + "/" +
                           scope + ", SignedHeaders=" + signed_headers + ", Signature=" + result.signature;
    return result;
}

}  // namespace walferry::sigv4
