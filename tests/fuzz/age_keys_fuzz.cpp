#include "common/codec/age/age_keys.hpp"

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

struct Keys {
    std::string identity, recipient;
    Keys() {
        require_sodium();
        const AgeIdentity one = AgeIdentity::generate();
        identity = one.text().view();
        recipient = one.recipient().text();
    }
};

const Keys& keys() {
    static const Keys one;
    return one;
}

std::size_t entries(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty() && line.front() != '#') ++count;
    }
    return count;
}

std::string without_digits(std::string text) {
    std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
    return text;
}

void check_identities(std::string_view text) {
    std::vector<AgeIdentity> identities;
    const std::string error = error_of([&] { identities = parse_identities(text, "FILE"); });
    if (error.empty())
        must(identities.size() == entries(text), "every line that is no comment is an identity");
    for (const AgeIdentity& identity : identities) {
        must(text.find(identity.text().view()) != std::string_view::npos,
             "an identity stands in its file as it is");
        must(AgeRecipient::parse(identity.recipient().text()).text() == identity.recipient().text(),
             "an identity has a recipient that can be named");
    }
    // Whatever stands in the file: the message knows only two sentences.
    static const std::string none = error_of([] { parse_identities("", "FILE"); });
    static const std::string wrong = without_digits(error_of([] { parse_identities("x", "FILE"); }));
    must(error.empty() || error == none || without_digits(error) == wrong,
         "no message shows anything of an identity file");
}

void check_recipients(std::string_view text) {
    std::vector<AgeRecipient> recipients;
    const std::string error = error_of([&] { recipients = parse_recipients(text, "FILE"); });
    if (error.empty())
        must(recipients.size() == entries(text), "every line that is no comment is a recipient");
    for (const AgeRecipient& recipient : recipients) {
        must(text.find(recipient.text()) != std::string_view::npos,
             "a recipient stands in its file as it is");
    }
    must(error.find('\n') == std::string::npos && error.size() < 1000, "a message is one line of a log");
}

}  // namespace

/// First byte: which kind of file; \1 and \2 stand for a key that is right.
void check(Bytes input) {
    Choices choices(input);
    const bool identities = choices.byte() % 2 == 0;
    std::string text;
    for (const char c : choices.text()) {
        text += c == '\1' ? keys().identity : c == '\2' ? keys().recipient : std::string(1, c);
    }
    if (identities) {
        check_identities(text);
    } else {
        check_recipients(text);
    }
}

std::vector<std::string> seeds() {
    using namespace std::string_literals;
    return {"\0# created\n# public key: \2\n\1\n"s,
            "\0\1\r\n\n\1"s,
            "\0\1 \n"s,
            "\1\2\n#\n\2\n"s,
            "\1\1\n"s,
            "\1ssh-ed25519 AAAA\n"s,
            "\0AGE-PLUGIN-YUBIKEY-1QQQ\n"s};
}

}  // namespace walferry::fuzz
