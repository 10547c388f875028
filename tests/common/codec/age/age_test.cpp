#include "common/codec/age/age.hpp"

#include <sys/stat.h>

#include "common/codec/age/age_header.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/shell.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

constexpr std::size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 3'000'001};

std::string encrypted(const std::vector<AgeRecipient>& recipients, const std::string& plain,
                      std::size_t step) {
    StringSink out;
    AgeEncryptor encryptor(recipients, out);
    feed(encryptor, plain, step);
    CHECK(out.finished);
    return out.text;
}

std::string decrypted(const std::vector<AgeIdentity>& identities, const std::string& file, std::size_t step) {
    StringSink out;
    AgeDecryptor decryptor(identities, out);
    feed(decryptor, file, step);
    CHECK(out.finished);
    return out.text;
}

std::vector<AgeIdentity> generate(std::size_t count) {
    std::vector<AgeIdentity> identities;
    while (identities.size() < count) identities.push_back(AgeIdentity::generate());
    return identities;
}

std::string identity_file(const TempDir& directory, const std::string& name, const AgeIdentity& identity) {
    return directory.write(name, std::string(identity.text().view()) + "\n");
}

}  // namespace

TEST_CASE("every size comes back from an age file, however it is written") {
    const auto keys = generate(1);
    for (const std::size_t size : sizes) {
        const std::string plain = noise(size);
        for (const std::size_t step : {std::size_t{997}, std::size_t{65536}, std::size_t{1} << 20}) {
            INFO(size << " bytes in steps of " << step);
            const std::string file = encrypted({keys[0].recipient()}, plain, step);
            CHECK(decrypted(keys, file, step) == plain);
        }
    }
}

TEST_CASE("age reads what walferry encrypted, with the identity of any recipient") {
    const TempDir directory;
    const auto keys = generate(3);
    for (const std::size_t size : sizes) {
        const std::string plain = noise(size);
        std::vector<AgeRecipient> recipients;
        for (const AgeIdentity& key : keys) recipients.push_back(key.recipient());
        const std::string file = directory.write("file.age", encrypted(recipients, plain, 100'000));
        for (const AgeIdentity& key : keys) {
            const std::string identity = identity_file(directory, "key.txt", key);
            REQUIRE(shell("age -d -i " + identity + " " + file + " > " + (directory / "plain")) == 0);
            CHECK(read_file(directory / "plain") == plain);
        }
    }
}

TEST_CASE("walferry reads what age encrypted, with a key that age-keygen made") {
    const TempDir directory;
    const std::string key = directory / "key.txt";
    REQUIRE(shell("age-keygen -o " + key) == 0);
    const auto identities = load_identities(key);
    const std::string stranger = AgeIdentity::generate().recipient().text();
    for (const std::size_t size : sizes) {
        const std::string plain = directory.write("plain", noise(size));
        REQUIRE(shell("age -r " + stranger + " -r " + identities[0].recipient().text() + " -o " +
                      (directory / "file.age") + " " + plain) == 0);
        CHECK(decrypted(identities, read_file(directory / "file.age"), 70'000) == read_file(plain));
    }
}

TEST_CASE("a decryptor holds what it releases to what was authenticated") {
    const auto keys = generate(1);
    const std::string plain = noise(200'000);
    std::string file = encrypted({keys[0].recipient()}, plain, 1 << 20);
    file[file.size() - 1] = static_cast<char>(file.back() ^ 1);
    StringSink out;
    AgeDecryptor decryptor(keys, out);
    CHECK_THROWS_AS(feed(decryptor, file), AgeError);
    CHECK_FALSE(out.finished);
    CHECK(out.text == plain.substr(0, 3 * 65536));
}

TEST_CASE("an age file cut at any byte is refused") {
    const auto keys = generate(1);
    const std::string file = encrypted({keys[0].recipient()}, noise(100), 100);
    for (std::size_t size = 0; size < file.size(); ++size) {
        StringSink out;
        AgeDecryptor decryptor(keys, out);
        CHECK_THROWS_AS(feed(decryptor, file.substr(0, size), 7), AgeError);
        CHECK(out.text.empty());
    }
}

TEST_CASE("a header without end takes a bounded amount of memory and is refused") {
    const auto keys = generate(1);
    const std::string grease = "-> grease\n\n";
    std::string endless = "age-encryption.org/v1\n";
    while (endless.size() < 2 * max_age_header) endless += grease;
    for (const std::string& hostile :
         {endless, std::string(1 << 20, '\0'), "age-encryption.org/v1\n---" + std::string(1 << 20, 'A')}) {
        StringSink out;
        AgeDecryptor decryptor(keys, out);
        try {
            for (std::size_t at = 0; at < hostile.size(); at += 1000) {
                decryptor.write(as_bytes(std::string_view(hostile).substr(at, 1000)));
                REQUIRE(at <= max_age_header + 1000);
            }
            FAIL("it was accepted");
        } catch (const AgeError& error) {
            CHECK(error.failure() == AgeFailure::header);
        }
    }
}

TEST_CASE("as many recipients as a header may hold work, and one more says so") {
    const auto keys = generate(1);
    std::vector<AgeRecipient> many(600, keys[0].recipient());
    CHECK(decrypted(keys, encrypted(many, "x", 1), 1000) == "x");
    many.resize(700, keys[0].recipient());
    StringSink out;
    CHECK_THROWS_AS(AgeEncryptor(many, out), Error);
    CHECK_THROWS_AS(AgeEncryptor({}, out), Error);
    CHECK(out.text.empty());
}
