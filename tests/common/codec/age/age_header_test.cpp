#include "common/codec/age/age_header.hpp"

#include "common/codec/age/age.hpp"
#include "common/codec/age/age_x25519.hpp"
#include "tests/catch.hpp"

using namespace walferry;

namespace {

const std::string mac = std::string(43, 'A');

std::string header(const std::string& stanzas) {
    return "age-encryption.org/v1\n" + stanzas + "--- " + mac + "\n";
}

bool refused(const std::string& text) {
    try {
        parse_age_header(text);
    } catch (const AgeError& error) {
        return error.failure() == AgeFailure::header && error.kind() == ErrorKind::integrity;
    }
    return false;
}

}  // namespace

TEST_CASE("an age header is read into its stanzas") {
    const std::string text = header("-> grease a b ~!\n\n-> other\n" + std::string(64, 'A') + "\nAA\n");
    const AgeHeader parsed = parse_age_header(text);
    REQUIRE(parsed.stanzas.size() == 2);
    CHECK(parsed.stanzas[0].arguments == std::vector<std::string>{"grease", "a", "b", "~!"});
    CHECK(parsed.stanzas[0].body.empty());
    CHECK(parsed.stanzas[1].body.size() == 49);
    CHECK(parsed.authenticated == text.substr(0, text.size() - mac.size() - 2));
}

TEST_CASE("an age header has one spelling") {
    const std::string good = "-> x\n\n";
    REQUIRE_FALSE(refused(header(good)));
    CHECK(refused(header("")));           // no recipient at all
    CHECK(refused(header(good) + "x"));   // something behind it
    CHECK(refused(header("->x\n\n")));    // no space
    CHECK(refused(header("-> \n\n")));    // no type
    CHECK(refused(header("-> x \n\n")));  // an empty argument
    CHECK(refused(header("-> x  y\n\n")));
    CHECK(refused(header("-> x\ty\n\n")));
    CHECK(refused(header("-> x\xc3\xa4\n\n")));                      // not ASCII
    CHECK(refused(header("-> x\n")));                                // no body
    CHECK(refused(header("-> x\n" + std::string(64, 'A') + "\n")));  // no short last line
    CHECK(refused(header("-> x\n" + std::string(68, 'A') + "\n")));
    CHECK(refused(header("-> x\nAA==\n")));
    CHECK(refused(header("-> x\nAB\n")));  // bits left over
    CHECK(refused("age-encryption.org/v2\n" + header(good).substr(22)));
    CHECK(refused("age-encryption.org/v1\r\n" + header(good).substr(22)));
    CHECK(refused(" " + header(good)));
    CHECK(refused(""));
}

TEST_CASE("an age header cut anywhere is refused, and its end is found however it arrives") {
    const AgeIdentity identity = AgeIdentity::generate();
    const Wiped<16> file_key;
    const std::string text = make_age_header({identity.recipient(), identity.recipient()}, file_key.bytes());
    const std::string with_payload = text + "payload\n--- \n";
    for (std::size_t size = 0; size < text.size(); ++size) {
        if (!refused(text.substr(0, size))) FAIL("accepted " << size << " bytes");
        CHECK_FALSE(find_age_header_end(text.substr(0, size), 0).has_value());
    }
    for (std::size_t step = 1; step < 80; ++step) {
        std::size_t known = 0;
        std::optional<std::size_t> end;
        for (std::size_t size = step; !end; size += step) {
            end = find_age_header_end(std::string_view(with_payload).substr(0, size), known);
            known = size;
        }
        CHECK(end == text.size());
    }
}

TEST_CASE("a file key is found among many strange recipients, and the header's code is checked") {
    std::vector<AgeIdentity> identities;
    identities.push_back(AgeIdentity::generate());
    identities.push_back(AgeIdentity::generate());
    Wiped<16> file_key;
    file_key.fill()[0] = std::byte{42};
    const std::vector<AgeRecipient> recipients{AgeIdentity::generate().recipient(),
                                               identities[1].recipient()};
    AgeHeader parsed = parse_age_header(make_age_header(recipients, file_key.bytes()));

    Wiped<16> found;
    unwrap_age_header(parsed, identities, found.fill());
    CHECK(std::equal(found.bytes().begin(), found.bytes().end(), file_key.bytes().begin()));

    parsed.mac[31] ^= std::byte{1};
    try {
        unwrap_age_header(parsed, identities, found.fill());
        FAIL("a changed header was accepted");
    } catch (const AgeError& error) {
        CHECK(error.failure() == AgeFailure::header_mac);
    }

    identities.pop_back();
    try {
        unwrap_age_header(parsed, identities, found.fill());
        FAIL("somebody else's file was opened");
    } catch (const AgeError& error) {
        CHECK(error.failure() == AgeFailure::no_match);
        CHECK(error.kind() == ErrorKind::config);
    }
}

TEST_CASE("nothing is encrypted to a recipient of low order") {
    const std::array<std::byte, 32> zero{};
    const Wiped<16> file_key;
    CHECK_THROWS_AS(wrap_x25519(AgeRecipient(zero), file_key.bytes()), Error);
}
