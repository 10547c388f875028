#include "common/codec/age/age_header.hpp"

#include "common/codec/age/age.hpp"
#include "common/codec/age/base64.hpp"
#include "common/codec/age/hkdf.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

constexpr std::string_view version = "age-encryption.org/v1\n";

/// The one text that a header's meaning has, written independently of the parser.
std::string text_of(const AgeHeader& header) {
    std::string text(version);
    for (const AgeStanza& stanza : header.stanzas) {
        text += "->";
        for (const std::string& argument : stanza.arguments) text += " " + argument;
        const std::string body = base64_encode(stanza.body);
        for (std::size_t at = 0; at <= body.size(); at += 64) text += "\n" + body.substr(at, 64);
        text += "\n";
    }
    return text + "--- " + base64_encode(header.mac) + "\n";
}

std::string with_mac(std::string stanzas, Bytes file_key) {
    std::string text = std::string(version) + std::move(stanzas) + "---";
    Wiped<32> key;
    hkdf_sha256(file_key, {}, "header", key.fill());
    std::array<std::byte, 32> mac{};
    hmac_sha256(key.bytes(), as_bytes(text), mac);
    return text + " " + base64_encode(mac) + "\n";
}

struct World {
    std::vector<AgeIdentity> identities;
    std::vector<AgeRecipient> recipients;
    std::array<std::byte, 16> file_key{};
    std::string header;

    World() {
        require_sodium();
        for (int i = 0; i < 2; ++i) {
            identities.push_back(AgeIdentity::generate());
            recipients.push_back(identities.back().recipient());
        }
        file_key.fill(std::byte{7});
        header = make_age_header(recipients, file_key);
    }
    /// Without the version line and the last one.
    std::string stanzas() const {
        return header.substr(version.size(), header.rfind("---") - version.size());
    }
};

const World& world() {
    static const World one;
    return one;
}

/// Found byte by byte, the end is where it is found at once.
void check_end(std::string_view text) {
    const auto at_once = find_age_header_end(text, 0);
    std::optional<std::size_t> growing;
    std::size_t known = 0;
    for (const std::size_t size : {text.size() / 3, text.size() / 2, text.size()}) {
        if (!growing) growing = find_age_header_end(text.substr(0, size), known);
        known = size;
    }
    if (at_once) must(*at_once <= text.size(), "a header ends within its text");
    AgeHeader header;
    if (error_of([&] { header = parse_age_header(text); }).empty()) {
        must(at_once == text.size() && growing == at_once,
             "the end of a valid header is found, however it comes");
        must(text_of(header) == text, "there is one text for one header");
    }
}

bool unwraps(std::string_view text) {
    std::array<std::byte, 16> key{};
    return error_of([&] {
               unwrap_age_header(parse_age_header(text), world().identities, key);
               must(with_mac(std::string(text.substr(version.size(), text.rfind("---") - version.size())),
                             key) == text,
                    "a header that unwraps has the authentication code of its file key");
           })
        .empty();
}

}  // namespace

/// First byte: 0 a whole header; 1 stanzas that are put behind good ones, with a good code; 2 a good header
/// with one byte changed.
void check(Bytes input) {
    Choices choices(input);
    switch (choices.byte() % 3) {
        case 0:
            check_end(choices.text());
            unwraps(choices.text());
            break;
        case 1: {
            const std::string text =
                with_mac(world().stanzas() + std::string(choices.text()), world().file_key);
            check_end(text);
            unwraps(text);
            break;
        }
        default: {
            std::string text = world().header;
            must(unwraps(text), "a header unwraps for its recipients");
            char& changed = text[choices.number(2) % text.size()];
            const char before = changed;
            changed = static_cast<char>(choices.byte());
            must(changed == before || !unwraps(text), "a changed header is refused");
        }
    }
}

std::vector<std::string> seeds() {
    const std::string zero(1, '\0'), one(1, '\1'), two(1, '\2');
    return {zero + world().header,
            zero + with_mac("-> X25519 abc\n\n", world().file_key),
            zero + std::string(version) + "-> a b\n" + std::string(64, 'A') + "\n\n--- " +
                std::string(43, 'A') + "\n",
            one + "-> scrypt AAAA 18\nAAAA\n",
            one + "-> grease x y\n" + std::string(64, 'A') + "\nAA\n",
            one + world().stanzas(),
            two + "\1\1z",
            two + "\1\3A"};
}

}  // namespace walferry::fuzz
