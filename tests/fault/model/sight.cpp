#include "tests/fault/model/sight.hpp"

#include <sys/stat.h>
#include <zstd.h>

#include <filesystem>
#include <stdexcept>

#include "common/spool/spooled_name.hpp"
#include "common/spool_paths.hpp"
#include "common/store/object_name.hpp"
#include "tests/fault/model/broken.hpp"
#include "tests/fault/model/child.hpp"

namespace fs = std::filesystem;

namespace walferry::test::model {
namespace {

const std::string documented = "what a store holds has the documented form";

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == at) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

bool cut_off(std::string& text, const std::string& end) {
    if (!text.ends_with(end)) return false;
    text.resize(text.size() - end.size());
    return true;
}

}  // namespace

std::set<std::string> Sight::Store::others(const Content& content) const {
    std::set<std::string> found;
    for (auto at = count.lower_bound(content.directory() + "/" + content.name + "-"); at != count.end();
         ++at) {
        const std::size_t dash = at->first.rfind('-');
        if (at->first.substr(0, dash) != content.directory() + "/" + content.name) break;
        if (at->first.substr(dash + 1) != content.fingerprint) found.insert(at->first.substr(dash + 1));
    }
    return found;
}

Sight Observer::look() {
    Sight sight;
    sight.spools.resize(world_.writers.size());
    for (std::size_t i = 0; i < world_.writers.size(); ++i) {
        look_into_spool(world_.writers[i], sight.spools[i]);
        sight.spools[i].ledger = look_at_ledger(world_.writers[i].ledger(), world_.dir / "ledger-copy.db");
    }
    sight.stores.resize(world_.stores.size());
    for (std::size_t i = 0; i < world_.stores.size(); ++i) look_into_store(world_.stores[i], sight.stores[i]);
    return sight;
}

Observer::Known& Observer::known(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) throw std::runtime_error("cannot look at " + path);
    Known& entry = hashes_[{status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_ctim.tv_sec,
                            status.st_ctim.tv_nsec}];
    if (entry.sha256.empty()) entry.sha256 = sha256_of(read_file(path));
    return entry;
}

void Observer::look_into_spool(const Writer& writer, Sight::Spool& spool) {
    for (const auto& cluster : fs::directory_iterator(writer.spool + "/ready")) {
        if (cluster.is_symlink() || !cluster.is_directory()) {
            spool.foreign.push_back(cluster.path());
            continue;
        }
        for (const auto& entry : fs::directory_iterator(cluster.path())) {
            const std::string name = entry.path().filename();
            struct stat status {};
            if (::lstat(entry.path().c_str(), &status) != 0) continue;
            if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || name.find("notes") != name.npos) {
                spool.foreign.push_back(entry.path());
                continue;
            }
            const std::string sha256 = known(entry.path()).sha256;
            spool.files[entry.path()] = sha256;
            const auto spooled = SpooledName::parse(name);
            const int content =
                contents_.find(cluster.path().filename(), spooled ? spooled->name.text : name, sha256);
            const bool second = spooled && !spooled->fingerprint.empty();
            if (content >= 0 && (!second || contents_[content].fingerprint == spooled->fingerprint)) {
                spool.contents.insert(content);
            } else {
                spool.unknown.push_back(entry.path());
            }
        }
    }
}

void Observer::look_into_store(const StorePlace& place, Sight::Store& store) {
    const std::string root = place.now() + "/main";
    if (!fs::exists(root)) return;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        if (!entry.is_regular_file()) continue;
        const std::string key = entry.path().string().substr(root.size() + 1);
        const auto parts =
            split(key, '/');  // SYSID/wal/TTTTTTTT/OBJECT, SYSID/settled/NAME-FINGERPRINT-SHA256.json
        if (parts.size() == 3 && parts[1] == "settled") {
            const auto name = SettlementName::parse(parts[2]);
            must(name.has_value(), documented, key);
            store.settled.insert(parts[0] + "/" + name->segment + "-" + name->fingerprint);
            continue;
        }
        must(parts.size() == 4 && parts[1] == "wal" && parts[3].starts_with(parts[2]), documented, key);
        const Object object = judge(entry.path(), parts[0], parts[3]);
        ++store.count[object.label()];
        if (object.whole) store.whole.insert(object.label());
        store.objects[key] = object;
    }
}

Object Observer::judge(const std::string& path, const std::string& directory, const std::string& file_name) {
    std::string stem = file_name;
    const bool encrypted = !world_.identity.empty();
    must(cut_off(stem, encrypted ? ".zst.age" : ".zst"), documented, path);
    const auto fields = split(stem, '-');
    must(fields.size() == 4 && encrypted == (fields[2] != "00000000"), documented, path);
    Object object;
    object.sha256 = known(path).sha256;
    object.directory = directory;
    object.name = fields[0];
    object.fingerprint = fields[1];
    if (object.sha256.substr(0, 32) != fields[3]) return object;
    const std::string inner = restored_sha256(path);
    const int content = contents_.find(object.directory, object.name, inner);
    must(content >= 0 && contents_[content].fingerprint == object.fingerprint,
         "an object that hashes to its name restores to what was pushed", path);
    object.whole = true;
    return object;
}

std::string Observer::restored_sha256(const std::string& path) {
    Known& entry = known(path);
    if (!entry.inner_sha256.empty()) return entry.inner_sha256;
    if (world_.identity.empty()) {
        const std::string packed = read_file(path);
        std::string bytes(std::size_t{2} << 20, '\0');
        const std::size_t got = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
        must(ZSTD_isError(got) == 0, "an object that hashes to its name can be unpacked", path);
        bytes.resize(got);
        entry.inner_sha256 = sha256_of(bytes);
    } else {
        const Ended ended =
            Child(world_.log("restore"), {"sh", "-c", R"(age -d -i "$1" "$2" | zstd -dqc | sha256sum)",
                                          "restore", world_.identity, path})
                .finish();
        must(ended.exit_code == 0 && ended.said.size() >= 64,
             "an object that hashes to its name can be unpacked", path + ": " + ended.said);
        entry.inner_sha256 = ended.said.substr(0, 64);
    }
    return entry.inner_sha256;
}

}  // namespace walferry::test::model
