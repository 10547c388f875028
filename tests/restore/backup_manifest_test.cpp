#include "restore/backup_manifest.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/restore/manifest_maker.hpp"

using namespace walferry;
using namespace walferry::restore;
using namespace walferry::test;

namespace {

std::string refusal(const std::string& text) {
    try {
        BackupManifest::parse(text);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::integrity);
        return error.message();
    }
}

std::string checksum(ChecksumAlgorithm algorithm, const std::string& content) {
    FileChecksum sum(algorithm);
    sum.update(as_bytes(content));
    return sum.digits();
}

}  // namespace

TEST_CASE("checksums are those of PostgreSQL's manifest") {
    // CRC-32C of "123456789" is E3069283; PostgreSQL writes its lowest byte first.
    CHECK(checksum(ChecksumAlgorithm::crc32c, "123456789") == "839206e3");
    CHECK(checksum(ChecksumAlgorithm::crc32c, "") == "00000000");
    CHECK(checksum(ChecksumAlgorithm::sha256, "abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(checksum(ChecksumAlgorithm::sha224, "").size() == 56);
    CHECK(checksum(ChecksumAlgorithm::sha384, "").size() == 96);
    CHECK(checksum(ChecksumAlgorithm::sha512, "").size() == 128);
    CHECK(checksum(ChecksumAlgorithm::none, "abc").empty());
}

TEST_CASE("a manifest names every file once, with size and checksum") {
    const auto manifest =
        BackupManifest::parse(manifest_of({{"PG_VERSION", "15\n"}, {"base/1/1259", "table"}}));
    REQUIRE(manifest.files.size() == 2);
    const ManifestFile* file = manifest.find("base/1/1259");
    REQUIRE(file != nullptr);
    CHECK(file->size == 5);
    CHECK(file->algorithm == ChecksumAlgorithm::crc32c);
    CHECK(file->checksum == crc32c_of("table"));
    CHECK(manifest.find("base/1/125") == nullptr);
    CHECK_FALSE(manifest.system_identifier);
}

TEST_CASE("a manifest of a newer server says whose it is") {
    std::string text = manifest_of(manifest_line("a", "b"), "\"System-Identifier\": 7301234567890123456,\n");
    CHECK(BackupManifest::parse(text).system_identifier == 7301234567890123456U);
}

TEST_CASE("a file without a checksum is known by its size") {
    const auto manifest = BackupManifest::parse(manifest_of("{ \"Path\": \"a\", \"Size\": 7 }\n"));
    CHECK(manifest.find("a")->algorithm == ChecksumAlgorithm::none);
}

TEST_CASE("a name that is not UTF-8 comes in hexadecimal digits") {
    const auto manifest = BackupManifest::parse(manifest_of("{ \"Encoded-Path\": \"62ff\", \"Size\": 7 }\n"));
    CHECK(manifest.files.front().path == "b\xff");
    CHECK(refusal(manifest_of("{ \"Encoded-Path\": \"2e2e2f61\", \"Size\": 7 }\n")).find("leads out") !=
          std::string::npos);
    CHECK_FALSE(refusal(manifest_of("{ \"Encoded-Path\": \"6\", \"Size\": 7 }\n")).empty());
}

TEST_CASE("one changed byte anywhere makes a manifest invalid") {
    const std::string good = manifest_of({{"PG_VERSION", "15\n"}, {"a", "b"}});
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        CHECK_FALSE(refusal(bad).empty());
    }
    for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(refusal(good.substr(0, size)).empty());
}

TEST_CASE("a manifest that would lead out of the data directory is refused") {
    for (const char* path : {"../a", "/etc/passwd", "a/../b", "a//b", "./a", "a/", "", "a/.", ".."}) {
        INFO(path);
        CHECK(refusal(manifest_of(manifest_line(path, "x"))).find("leads out") != std::string::npos);
    }
}

TEST_CASE("a manifest that makes no sense is refused") {
    const std::string line = manifest_line("a", "b");
    CHECK(refusal(manifest_of(line + ",\n" + line)).find("twice") != std::string::npos);
    CHECK_FALSE(refusal(manifest_of("")).empty());
    CHECK_FALSE(refusal(manifest_of("{ \"Path\": \"a\" }\n")).empty());
    CHECK_FALSE(refusal(manifest_of("{ \"Path\": \"a\", \"Size\": -1 }\n")).empty());
    CHECK_FALSE(refusal(manifest_of("{ \"Size\": 1 }\n")).empty());
    CHECK_FALSE(refusal(manifest_of("{ \"Path\": \"a\", \"Size\": 1, \"Checksum-Algorithm\": \"MD5\", "
                                    "\"Checksum\": \"00\" }\n"))
                    .empty());
    CHECK_FALSE(refusal(manifest_of("{ \"Path\": \"a\", \"Size\": 1, \"Checksum-Algorithm\": \"CRC32C\", "
                                    "\"Checksum\": \"00\" }\n"))
                    .empty());
}
