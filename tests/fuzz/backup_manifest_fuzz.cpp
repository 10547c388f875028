#include "restore/backup_manifest.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/restore/manifest_maker.hpp"

namespace walferry::fuzz {

using namespace restore;
namespace {

void check_manifest(std::string_view text) {
    BackupManifest manifest;
    if (!error_of([&] { manifest = BackupManifest::parse(text); }).empty()) return;
    must(!manifest.files.empty(), "a manifest names files");
    for (const ManifestFile& file : manifest.files) {
        must(stays_inside(file.path), "no path leads out of the data directory");
        must(manifest.find(file.path) == &file, "every file is found by its path, once");
        must(file.checksum.size() == 2 * checksum_size(file.algorithm), "a checksum has its length");
    }
}

}  // namespace

/// A backup's manifest: as it is, and as the list of files in one whose checksum fits.
void check(Bytes input) {
    check_manifest(as_text(input));
    check_manifest(test::manifest_of(std::string(as_text(input))));
}

std::vector<std::string> seeds() {
    return {test::manifest_of({{"PG_VERSION", "15\n"}, {"base/1/1259", "table"}}),
            test::manifest_line("a/b", "content"),
            test::manifest_line("../a", "content"),
            "{ \"Encoded-Path\": \"62ff\", \"Size\": 7 }",
            "{ \"Path\": \"a\", \"Size\": 18446744073709551615 }",
            "{ \"Path\": \"a\", \"Size\": 1, \"Checksum-Algorithm\": \"sha512\", \"Checksum\": \"00\" }"};
}

}  // namespace walferry::fuzz
