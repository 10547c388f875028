#include "common/store/credentials.hpp"

#include "common/error.hpp"
#include "tests/catch.hpp"

using namespace walferry;

namespace {

Credentials parse(const std::string& text) {
    SecretText secret(text.size());
    secret.append(text);
    return Credentials(std::move(secret), "/etc/walferry/r2.credentials");
}

}  // namespace

TEST_CASE("credentials are read from the default profile only") {
    const Credentials credentials = parse(
        "# for r2\r\n[other]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n\n"
        "[ default ]\r\naws_access_key_id=AKID\r\n  aws_secret_access_key =  abc/+=def \r\nregion = auto\n; "
        "end\n"
        "[more]\naws_session_token = no\n");
    CHECK(credentials.access_key() == "AKID");
    CHECK(credentials.secret_key() == "abc/+=def");
    CHECK(credentials.session_token().empty());
    CHECK(credentials == parse("[default]\naws_access_key_id=AKID\naws_secret_access_key=abc/+=def"));
    CHECK_FALSE(credentials == parse("[default]\naws_access_key_id=AKID\naws_secret_access_key=abc/+=de"));

    const Credentials temporary =
        parse("[default]\naws_access_key_id=A\naws_secret_access_key=B\naws_session_token=C==\n");
    CHECK(temporary.session_token() == "C==");
}

TEST_CASE("credentials that cannot be used are refused with file and line, and are not repeated") {
    struct Row {
        const char* text;
        const char* says;
    };
    for (const Row& row :
         {Row{"", "no aws_access_key_id"},
          Row{"[default]\naws_access_key_id = S3CRET\n", "no aws_secret_access_key"},
          Row{"aws_access_key_id = S3CRET\naws_secret_access_key = S3CRET\n", "no aws_access_key_id"},
          Row{"[default]\nS3CRET\n", ".credentials:2: neither"},
          Row{"[default\naws_access_key_id = S3CRET\n", ".credentials:1: a section"},
          Row{"[default]\naws_access_key_id = S3CRET\naws_access_key_id = S3CRET\n",
              ".credentials:3: aws_access_key_id stands here a second time"},
          Row{"[default]\naws_access_key_id = \n", ".credentials:2: the value of aws_access_key_id"},
          Row{"[default]\naws_access_key_id = S3CRET S3CRET\n", ".credentials:2: the value"},
          Row{"[default]\naws_access_key_id = S3CRET\x01\n", ".credentials:2: the value"}}) {
        INFO(row.text);
        try {
            parse(row.text);
            FAIL("it should have been refused");
        } catch (const Error& error) {
            const std::string message = error.what();
            INFO(message);
            CHECK(error.kind() == ErrorKind::config);
            CHECK(message.find(row.says) != std::string::npos);
            CHECK(message.find("S3CRET") == std::string::npos);
        }
    }
}
