#include "tests/contract/store_under_test.hpp"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <utility>

#include "tests/catch.hpp"

namespace walferry::contract {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

StoreUnderTest parse_server(const std::string& line) {
    const std::vector<std::string> fields = split(line, '|');
    REQUIRE(fields.size() == 8);
    StoreUnderTest server;
    server.name = fields[0];
    server.settings.name = fields[0];
    server.settings.endpoint = fields[1];
    server.settings.region = fields[2];
    server.settings.bucket = fields[3];
    server.settings.credentials_file = fields[4];
    server.settings.ca_file = fields[5];
    server.settings.addressing = fields[6] == "virtual" ? Addressing::virtual_host : Addressing::path;
    server.control = fields[7];
    server.thorough = server.settings.ca_file.empty() && fields[6] == "path";
    return server;
}

std::vector<StoreUnderTest> servers() {
    std::vector<StoreUnderTest> found;
    const char* listed = std::getenv("WALFERRY_TEST_S3");
    if (listed == nullptr || *listed == '\0') return found;
    for (const std::string& line : split(listed, ';')) {
        if (!line.empty()) found.push_back(parse_server(line));
    }
    return found;
}

/// Once is enough.
void say_that_servers_are_missing() {
    static bool said = false;
    if (std::exchange(said, true)) return;
    WARN(
        "SKIPPED: no S3 servers; tests/s3/run-contract.sh starts some and runs the [contract] tests against "
        "them");
}

/// Threads make samples too, where Catch2 cannot be asked.
void hash(const std::string& text, std::array<std::byte, 32>& out) {
    unsigned length = 0;
    auto* octets = reinterpret_cast<unsigned char*>(out.data());
    if (EVP_Digest(text.data(), text.size(), octets, &length, EVP_sha256(), nullptr) != 1 ||
        length != out.size()) {
        throw std::runtime_error("cannot hash a sample");
    }
}

}  // namespace

Sample::Sample(std::string text) : text_(std::move(text)) {
    hash(text_, digest_.sha256);
}

Sample Sample::random(std::size_t size, unsigned seed) {
    std::mt19937_64 generator(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(generator());
    return Sample(std::move(text));
}

std::size_t Sample::read_at(std::uint64_t offset, MutableBytes out) const {
    if (offset >= text_.size()) return 0;
    const Bytes rest = as_bytes(text_).subspan(static_cast<std::size_t>(offset));
    const std::size_t count = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), count, out.begin());
    return count;
}

std::unique_ptr<ObjectStore> StoreUnderTest::open(std::stop_token stop) const {
    return open_store(settings, StoreAccess::write, nullptr, stop);
}

std::string StoreUnderTest::fresh_prefix() const {
    static std::atomic<int> count = 0;
    return "contract/" + std::to_string(::getpid()) + "/" + name + "-" + std::to_string(++count) + "/";
}

std::vector<StoreUnderTest> stores_under_test() {
    static const TemporaryDirectory root;
    StoreUnderTest directory;
    directory.name = "directory";
    directory.settings.name = "directory";
    directory.settings.type = StoreType::directory;
    directory.settings.path = root.path();

    std::vector<StoreUnderTest> all = servers();
    if (all.empty()) say_that_servers_are_missing();
    all.insert(all.begin(), directory);
    return all;
}

std::vector<StoreUnderTest> servers_under_test() {
    std::vector<StoreUnderTest> all = servers();
    if (all.empty()) say_that_servers_are_missing();
    return all;
}

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "walferry-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text, unsigned mode) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    REQUIRE(out);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

void run(const std::string& command) {
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
}

}  // namespace walferry::contract
