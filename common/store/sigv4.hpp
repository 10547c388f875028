#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/bytes.hpp"

namespace walferry {

/// AWS Signature Version 4, as S3 wants it: a path is encoded once and never normalised.
/// Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference.
namespace sigv4 {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view empty_payload_sha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A request about to be signed. Header names in any case; whatever is here gets signed.
struct Request {
    std::string method;
    std::string path;   // encoded already, see encode()
    NamedValues query;  // not encoded
    NamedValues headers;
    std::string payload_sha256;  // hex digits, or a fixed word such as UNSIGNED-PAYLOAD
};

/// Whose signature, for which service. The views must outlive the call only.
struct Signer {
    std::string_view access_key;
    std::string_view secret_key;
    std::string_view region;
    std::string_view service = "s3";
};

/// What a signature is made from, step by step, so that each step can be compared with published examples.
struct Signature {
    std::string canonical_request;
    std::string string_to_sign;
    std::string signature;      // 64 hex digits
    std::string authorization;  // the value of the header
};

Signature sign(const Request& request, const Signer& signer, std::chrono::sys_seconds time);

/// Percent-encodes everything but A-Z a-z 0-9 - . _ ~ and, in paths, the slash.
std::string encode(std::string_view text, bool keep_slashes);

/// "a=1&b=" sorted and encoded: what is signed, and what a URL must then carry to the letter.
std::string canonical_query(const NamedValues& query);

/// "20130524T000000Z", the value of x-amz-date.
std::string amz_date(std::chrono::sys_seconds time);

}  // namespace sigv4
}  // namespace walferry
