#include "common/codec/age/age_keys.hpp"

#include <sys/stat.h>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

// age-keygen -y turns the one into the other.
const std::string known_identity =
    "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
const std::string known_recipient = "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef";

template <typename Parse>
std::string complaint(Parse parse) {
    try {
        parse();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::config);
        return error.what();
    }
    FAIL("it was accepted");
    return {};
}

}  // namespace

TEST_CASE("an identity knows its public key as age does") {
    CHECK(AgeIdentity::parse(known_identity).recipient().text() == known_recipient);
    CHECK(AgeIdentity::parse(known_identity).text().view() == known_identity);
    CHECK(AgeRecipient::parse(known_recipient).text() == known_recipient);
}

TEST_CASE("generated identities differ and survive their text") {
    const AgeIdentity one = AgeIdentity::generate();
    const AgeIdentity two = AgeIdentity::generate();
    CHECK(one.recipient().text() != two.recipient().text());
    CHECK(AgeIdentity::parse(one.text().view()).recipient().text() == one.recipient().text());
}

TEST_CASE("an identity file holds one identity a line between comments") {
    const AgeIdentity other = AgeIdentity::generate();
    const std::string text = "# created: today\n# public key: age1…\n" + known_identity + "\r\n\n" +
                             std::string(other.text().view()) + "\n# end";
    const auto identities = parse_identities(text, "keys.txt");
    REQUIRE(identities.size() == 2);
    CHECK(identities[0].recipient().text() == known_recipient);
    CHECK(identities[1].recipient().text() == other.recipient().text());
    CHECK(parse_identities(known_identity, "keys.txt").size() == 1);
}

TEST_CASE("a bad identity file is refused with its line, and nothing of a secret is shown") {
    const std::string typo = known_identity.substr(0, 40) + "Q" + known_identity.substr(41);
    const std::string said =
        complaint([&] { parse_identities("# comment\n\n" + typo + "\n", "/etc/keys.txt"); });
    CHECK(said.find("/etc/keys.txt, line 3") != std::string::npos);
    CHECK(said.find(typo.substr(16, 10)) == std::string::npos);

    std::string lower = known_identity;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    CHECK(complaint([&] { AgeIdentity::parse(lower); }).find("EGTZV") == std::string::npos);
    CHECK(complaint([&] { parse_identities(" " + known_identity, "f"); }) != "");
    CHECK(complaint([&] { parse_identities("# nothing\n", "f"); }).find("keygen") != std::string::npos);
    CHECK(complaint([&] { parse_identities("", "f"); }) != "");
    CHECK(complaint([&] { parse_identities(known_recipient, "f"); }) != "");
}

TEST_CASE("a secret key given where a recipient belongs is not repeated in the message") {
    const std::string said = complaint([&] { AgeRecipient::parse(known_identity); });
    CHECK(said.find("EGTZV") == std::string::npos);
    CHECK(said.find("a secret key is not an age X25519 recipient") != std::string::npos);
    for (const std::string text : {"ssh-ed25519 AAAA", "age1", "", "AGE1", "age1yubikey1qqq"}) {
        INFO(text);
        CHECK(complaint([&] { AgeRecipient::parse(text); }).find("keygen") != std::string::npos);
    }
}

TEST_CASE("a recipients file names the line it does not understand") {
    CHECK(parse_recipients("# operations\n" + known_recipient + "\n", "r.txt").size() == 1);
    CHECK(complaint([&] { parse_recipients("\nage1x\n", "r.txt"); }).find("r.txt, line 2") !=
          std::string::npos);
    CHECK(complaint([&] { parse_recipients("# none\n", "r.txt"); }) != "");
}

TEST_CASE("an identity file that everyone may read is refused") {
    const TempDir directory;
    const std::string path = directory.write("keys.txt", known_identity + "\n");
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    CHECK(load_identities(path).size() == 1);
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    CHECK(complaint([&] { load_identities(path); }).find(path) != std::string::npos);
}
