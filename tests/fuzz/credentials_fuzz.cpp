#include "common/store/credentials.hpp"

#include <algorithm>

#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

// Stands for a secret; \1 in an input is replaced by it.
constexpr std::string_view canary = "CANARY";

bool visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Credentials parse(std::string_view text) {
    SecretText secret(text.size());
    secret.append(text);
    return Credentials(std::move(secret), "FILE");
}

}  // namespace

void check(Bytes input) {
    std::string text;
    for (const char c : as_text(input)) text += c == '\1' ? std::string(canary) : std::string(1, c);
    const std::string error = error_of([&] {
        const Credentials credentials = parse(text);
        must(!credentials.access_key().empty() && !credentials.secret_key().empty(),
             "accepted credentials are whole");
        for (const std::string_view value :
             {credentials.access_key(), credentials.secret_key(), credentials.session_token()}) {
            must(visible(value), "what gets into a request's header is visible ASCII");
            must(text.find(value) != std::string::npos, "a key stands in its file as it is");
        }
        must(credentials == parse(text), "the same file holds the same credentials");
        const std::string written = "[default]\naws_access_key_id=" + std::string(credentials.access_key()) +
                                    "\naws_secret_access_key=" + std::string(credentials.secret_key()) +
                                    (credentials.session_token().empty() ? "" : "\naws_session_token=") +
                                    std::string(credentials.session_token()) + "\n";
        must(credentials == parse(written), "credentials mean the same when they are written plainly");
    });
    must(error.find(canary) == std::string::npos && error.find('\n') == std::string::npos &&
             error.size() < 500,
         "no message shows anything of a credentials file");
}

std::vector<std::string> seeds() {
    return {"[default]\naws_access_key_id = AKIA\naws_secret_access_key = \1/+=\n",
            "; comment\r\n[ default "
            "]\r\naws_access_key_id=a\r\naws_secret_access_key=b\r\naws_session_token=c\r\n",
            "[other]\naws_access_key_id = x\n[default]\nregion = eu\naws_access_key_id = "
            "\1\naws_access_key_id = \1\n",
            "[default]\naws_access_key_id = \1 \1\n",
            "[default\n\1",
            "\1 = \1\n[default]\n\1\n",
            "[",
            "=",
            "[]\n=\n"};
}

}  // namespace walferry::fuzz
