#include "common/codec/signing.hpp"

#include <sys/stat.h>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

std::string complaint(const std::string& path) {
    try {
        WriterKey::load(path);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::config);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        return error.what();
    }
    FAIL("it was accepted");
    return {};
}

}  // namespace

TEST_CASE("a writer key signs as Ed25519 does in RFC 8032's first example") {
    // Its seed 9d61b19d… in this program's form.
    const WriterKey key =
        WriterKey::parse("WALFERRY-WRITER-KEY-1N4SMR800L4DXPW5YFT6F9MPVC3ZYN3TF0VEXJXTS8WKQX89W0ASQ9K5ZAK");
    CHECK(key.public_key() == "walferry-writer16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydq3ccqlw");
    CHECK(hex(key.sign({})) ==
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          "d25bf5f0595bbe24655141438e7a100b");
}

TEST_CASE("a signature fits one message and one writer") {
    const WriterKey key = WriterKey::generate();
    const WriterKey other = WriterKey::generate();
    REQUIRE(key.public_key() != other.public_key());
    auto signature = key.sign(as_bytes("message"));
    CHECK(verify_signature(key.public_key(), as_bytes("message"), signature));
    CHECK_FALSE(verify_signature(key.public_key(), as_bytes("massage"), signature));
    CHECK_FALSE(verify_signature(other.public_key(), as_bytes("message"), signature));
    CHECK_FALSE(verify_signature("walferry-writer1qqq", as_bytes("message"), signature));
    CHECK_FALSE(verify_signature(key.public_key(), as_bytes("message"), Bytes(signature).first(63)));
    CHECK_FALSE(verify_signature(key.public_key(), as_bytes("message"), {}));
    for (std::byte& b : signature) {
        b ^= std::byte{1};
        if (verify_signature(key.public_key(), as_bytes("message"), signature))
            FAIL("a changed signature fits");
        b ^= std::byte{1};
    }
}

TEST_CASE("a writer key survives its file, which is for its owner alone and never replaced") {
    const TempDir directory;
    const std::string path = directory / "writer.key";
    const WriterKey key = WriterKey::generate();
    key.save(path);
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777U) == 0600U);
    CHECK(WriterKey::load(path).public_key() == key.public_key());
    CHECK(read_file(path).find("# public key: " + key.public_key() + "\n") != std::string::npos);

    CHECK_THROWS_AS(WriterKey::generate().save(path), Error);
    CHECK(WriterKey::load(path).public_key() == key.public_key());
}

TEST_CASE("a writer key file with two keys, none, or a mistyped one is refused without showing it") {
    const TempDir directory;
    const auto file = [&](const std::string& content) {
        std::string path = directory.write("writer.key", content);
        REQUIRE(::chmod(path.c_str(), 0600) == 0);
        return path;
    };
    const std::string text(WriterKey::generate().text().view());
    CHECK(WriterKey::load(file("# mine\n\n" + text)).text().view() == text);
    complaint(file(""));
    complaint(file("# only a comment\n"));
    complaint(file(text + "\n" + text + "\n"));
    std::string typo = text;
    typo[30] = typo[30] == 'Q' ? 'P' : 'Q';
    CHECK(complaint(file(typo)).find(typo.substr(22, 20)) == std::string::npos);
    complaint(directory / "missing");
    REQUIRE(::chmod(file(text).c_str(), 0644) == 0);
    complaint(directory / "writer.key");
}

TEST_CASE("a writer's public key is told from a mistyped one and from the secret half") {
    const WriterKey key = WriterKey::generate();
    CHECK(is_writer_public_key(key.public_key()));
    CHECK_FALSE(is_writer_public_key(key.text().view()));
    CHECK_FALSE(is_writer_public_key(key.public_key() + " "));
    CHECK_FALSE(is_writer_public_key(key.public_key().substr(1)));
    CHECK_FALSE(is_writer_public_key(""));
}
