#include <map>

#include "common/store/proxy.hpp"
#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("a message names the proxy that libcurl takes from the environment, and no password") {
    struct Row {
        const char* url;
        std::map<std::string, std::string> set;
        const char* proxy;
    };
    const Row rows[] = {
        {"https://r2.example/wal", {}, ""},
        {"https://r2.example/wal",
         {{"https_proxy", "http://proxy:3128"}},
         "http://proxy:3128, which https_proxy in the environment names"},
        {"https://r2.example:443/wal",
         {{"HTTPS_PROXY", "http://me:secret@proxy:3128"}},
         "http://proxy:3128, which HTTPS_PROXY in the environment names"},
        {"https://r2.example/wal",
         {{"all_proxy", "me:s@cret@proxy"}},
         "proxy, which all_proxy in the environment names"},
        {"https://r2.example/wal", {{"http_proxy", "proxy"}}, ""},
        {"http://nas/wal", {{"https_proxy", "proxy"}, {"HTTP_PROXY", "proxy"}}, ""},
        {"http://nas/wal", {{"http_proxy", "proxy"}}, "proxy, which http_proxy in the environment names"},
        {"http://nas/wal", {{"http_proxy", "proxy"}, {"no_proxy", "localhost, nas"}}, ""},
        {"https://a.r2.example/wal", {{"https_proxy", "proxy"}, {"NO_PROXY", ".r2.example"}}, ""},
        {"https://ar2.example/wal",
         {{"https_proxy", "proxy"}, {"no_proxy", "r2.example"}},
         "proxy, which https_proxy in the environment names"},
        {"https://[fd00::1]:9000/wal", {{"https_proxy", "proxy"}, {"no_proxy", "fd00::1"}}, ""},
        {"https://r2.example/wal", {{"https_proxy", "proxy"}, {"no_proxy", "*"}}, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.url);
        CHECK(proxy_for(row.url, [&](const char* name) {
                  const auto found = row.set.find(name);
                  return found == row.set.end() ? std::string() : found->second;
              }) == row.proxy);
    }
}
