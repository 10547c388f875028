#include "common/store/sigv4.hpp"

#include <openssl/sha.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "tests/catch.hpp"
#include "tests/places.hpp"

using namespace walferry;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// Where the public vectors lie; empty where they do not.
fs::path vectors() {
    const char* given = std::getenv("WALFERRY_VECTORS");
    const fs::path root =
        given != nullptr ? fs::path(given) : fs::path(test::source_file("../shared/vectors"));
    return fs::is_directory(root / "sigv4") ? root / "sigv4" : fs::path();
}

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string sha256_of(const std::string& text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return hex(std::as_bytes(std::span(digest)));
}

std::string percent_decoded(const std::string& text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

std::string until(std::string& rest, const std::string& mark) {
    const std::size_t end = rest.find(mark);
    std::string part = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + mark.size());
    return part;
}

sigv4::NamedValues query_of(std::string text) {
    sigv4::NamedValues query;
    while (!text.empty()) {
        std::string value = until(text, "&");
        std::string name = until(value, "=");
        query.emplace_back(percent_decoded(name), percent_decoded(value));
    }
    return query;
}

/// A request.txt of AWS's suite: request line, headers (with folded lines), an empty line, the body.
struct Parsed {
    sigv4::Request request;
    std::string body;
};

Parsed parse_request(std::string text) {
    Parsed parsed;
    std::string head = until(text, "\n\n");
    parsed.body = text;
    std::string line = until(head, "\n");
    parsed.request.method = until(line, " ");
    std::string target = line.substr(0, line.rfind(" HTTP/"));
    const std::string path = until(target, "?");
    parsed.request.path = sigv4::encode(path, true);
    parsed.request.query = query_of(target);
    while (!head.empty()) {
        line = until(head, "\n");
        if (line.starts_with(' ')) {
            parsed.request.headers.back().second += "\n" + line;
        } else {
            std::string name = until(line, ":");
            parsed.request.headers.emplace_back(name, line);
        }
    }
    return parsed;
}

std::chrono::sys_seconds time_of(const std::string& iso) {
    const auto time = parse_time(iso.substr(0, 19) + ".000Z");
    REQUIRE(time);
    return std::chrono::floor<std::chrono::seconds>(*time);
}

/// S3 never normalises a path, so of those pairs of cases only the untouched path applies.
bool applies_to_s3(const std::string& name) {
    return !name.ends_with("-normalized");
}

void check_case(const fs::path& directory) {
    INFO(directory.filename().string());
    const json context = json::parse(read(directory / "context.json"));
    auto [request, body] = parse_request(read(directory / "request.txt"));
    request.payload_sha256 = sha256_of(body);
    const auto time = time_of(context.at("timestamp"));
    request.headers.emplace_back("X-Amz-Date", sigv4::amz_date(time));
    if (context.value("sign_body", false)) {
        request.headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
    }
    const json& credentials = context.at("credentials");
    if (credentials.contains("token") && !context.value("omit_session_token", false)) {
        request.headers.emplace_back("X-Amz-Security-Token", credentials.at("token"));
    }
    const std::string access_key = credentials.at("access_key_id");
    const std::string secret_key = credentials.at("secret_access_key");
    const std::string region = context.at("region");
    const std::string service = context.at("service");
    const auto signature = sigv4::sign(request, {access_key, secret_key, region, service}, time);

    CHECK(signature.canonical_request == read(directory / "header-canonical-request.txt"));
    CHECK(signature.string_to_sign == read(directory / "header-string-to-sign.txt"));
    CHECK(signature.signature == read(directory / "header-signature.txt"));
    const std::string signed_request = read(directory / "header-signed-request.txt");
    CHECK(signed_request.find("Authorization:" + signature.authorization) != std::string::npos);
}

}  // namespace

TEST_CASE("requests are signed as in AWS's test suite") {
    const fs::path root = vectors();
    if (root.empty()) {
        WARN("SKIPPED: no SigV4 vectors; set WALFERRY_VECTORS to the folder that holds sigv4/suite");
        return;
    }
    int cases = 0;
    for (const auto& entry : fs::directory_iterator(root / "suite")) {
        if (!applies_to_s3(entry.path().filename().string())) continue;
        check_case(entry.path());
        ++cases;
    }
    CHECK(cases >= 30);
}

TEST_CASE("requests are signed as in the examples of the S3 documentation") {
    const fs::path root = vectors();
    if (root.empty()) {
        WARN("SKIPPED: no SigV4 vectors; set WALFERRY_VECTORS to the folder that holds s3-doc-examples.json");
        return;
    }
    const json examples = json::parse(read(root / "s3-doc-examples.json"));
    REQUIRE(examples.size() == 5);
    for (const json& example : examples) {
        INFO(example.at("name").get<std::string>());
        sigv4::Request request;
        request.method = example.at("method");
        request.path = example.at("canonical_uri");
        request.payload_sha256 = example.at("payload_hash");
        for (const json& pair : example.at("query")) {
            request.query.emplace_back(pair.at(0), percent_decoded(pair.at(1)));
        }
        for (const json& pair : example.at("headers")) request.headers.emplace_back(pair.at(0), pair.at(1));
        const std::string access_key = example.at("access_key");
        const std::string secret_key = example.at("secret_key");
        const std::string region = example.at("region");
        const std::string stamp = example.at("timestamp");
        CHECK(stamp == "20130524T000000Z");
        const auto signature =
            sigv4::sign(request, {access_key, secret_key, region}, time_of("2013-05-24T00:00:00Z"));
        CHECK(signature.canonical_request == example.at("canonical_request").get<std::string>());
        CHECK(signature.string_to_sign == example.at("string_to_sign").get<std::string>());
        CHECK(signature.signature == example.at("signature").get<std::string>());
    }
}

TEST_CASE("a path and a query are encoded once, byte by byte") {
    CHECK(sigv4::encode("wal/00000001/a b+c%2F~é", true) == "wal/00000001/a%20b%2Bc%252F~%C3%A9");
    CHECK(sigv4::encode("a/b", false) == "a%2Fb");
    CHECK(sigv4::canonical_query({{"prefix", "p/q"}, {"list-type", "2"}, {"A", ""}}) ==
          "A=&list-type=2&prefix=p%2Fq");
}

TEST_CASE("the date of a signature is UTC to the second") {
    CHECK(sigv4::amz_date(time_of("2024-02-29T23:59:59Z")) == "20240229T235959Z");
    CHECK(sigv4::amz_date(std::chrono::sys_seconds{}) == "19700101T000000Z");
}
