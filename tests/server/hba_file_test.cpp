#include "server/hba_file.hpp"

#include <vector>

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::server;

namespace {

std::vector<std::pair<HbaReference, std::string>> references(const std::string& text) {
    std::vector<std::pair<HbaReference, std::string>> found;
    const std::string same = rewrite_hba(text, [&](HbaReference kind, const std::string& path) {
        found.emplace_back(kind, path);
        return path;
    });
    CHECK(same == text);
    return found;
}

}  // namespace

TEST_CASE("what pg_hba.conf and pg_ident.conf refer to is found as PostgreSQL finds it") {
    using Found = std::vector<std::pair<HbaReference, std::string>>;
    CHECK(references("local all all peer\n# include nothing\n").empty());
    CHECK(references("include \"a b.conf\"\n  include_if_exists /etc/x # why\ninclude_dir conf.d") ==
          Found{{HbaReference::include, "a b.conf"},
                {HbaReference::include_if_exists, "/etc/x"},
                {HbaReference::include_dir, "conf.d"}});
    CHECK(references("host app,@more @users,\"@role\" samenet md5\n") ==
          Found{{HbaReference::list, "users"}, {HbaReference::list, "more"}});
    CHECK(references("local all @\"my users\" peer") == Found{{HbaReference::list, "my users"}});
    CHECK(references("\"include\" a\nlocal include all peer\nlocal @ all peer\n").empty());
}

TEST_CASE("references are moved in place, and an include that did not come along becomes a comment") {
    const auto moved = [](HbaReference, const std::string& path) {
        return path.starts_with("/etc/") ? std::optional<std::string>("new" + path) : std::nullopt;
    };
    CHECK(rewrite_hba("include /etc/a.conf # first\ninclude_dir /gone\nhost @/etc/db @/gone all md5\n",
                      moved) ==
          "include \"new/etc/a.conf\" # first\n# before the restore: include_dir /gone\nhost @\"new/etc/db\" "
          "@/gone all md5\n");
}
