#include "uploader/backup/tar_names.hpp"

#include <map>

#include "tests/catch.hpp"
#include "tests/restore/tar_maker.hpp"

using namespace walferry;
using namespace walferry::backup;
using namespace walferry::test;

TEST_CASE("the names in a tar are told, however its bytes are cut") {
    const std::string tar = TarMaker()
                                .file("backup_label", std::string(700, 'x'))
                                .directory("base/5/")
                                .file("base/5/PG_VERSION", "15\n")
                                .link("pg_tblspc/16384", "/mnt/fast")
                                .file("empty", "")
                                .text();
    const std::map<std::string, char> wanted{{"backup_label", '0'},
                                             {"base/5", '5'},
                                             {"base/5/PG_VERSION", '0'},
                                             {"pg_tblspc/16384", '2'},
                                             {"empty", '0'}};
    for (const std::size_t step : {std::size_t{1}, std::size_t{511}, std::size_t{512}, tar.size()}) {
        std::map<std::string, char> seen;
        TarNames names([&](const std::string& name, char type) { CHECK(seen.emplace(name, type).second); });
        for (std::size_t at = 0; at < tar.size(); at += step)
            names.write(as_bytes(std::string_view(tar).substr(at, step)));
        CHECK(seen == wanted);
    }
}
