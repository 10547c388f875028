#include "host/check/handed_over.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::check;

TEST_CASE("a key is the uploader's by way of a unit that loads it, or its folder", "[check]") {
    const std::string unit =
        "[Service]\nUser=walferry\nLoadCredential=credentials:/etc/walferry/credentials\n"
        "LoadCredential=r2:/srv/keys/r2\n";
    CHECK(loads_credential(unit, "/etc/walferry/credentials/main-r2"));
    CHECK(loads_credential(unit, "/srv/keys/r2"));
    CHECK_FALSE(loads_credential(unit, "/srv/keys/b2"));
    CHECK_FALSE(loads_credential(unit, "/etc/walferry/r2"));
    CHECK_FALSE(loads_credential("[Service]\n#LoadCredential=a:/a\nLoadCredential=inherited\n", "/a/b"));
}
