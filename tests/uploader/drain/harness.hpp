#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/codec/settlement.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/ledger/push_ledger.hpp"
#include "common/store/object_name.hpp"
#include "common/wal/fingerprint.hpp"
#include "host/spool_setup.hpp"
#include "tests/catch.hpp"
#include "tests/kind_of.hpp"
#include "tests/temp_dir.hpp"
#include "tests/wal_file.hpp"
#include "uploader/drain/drain.hpp"

namespace walferry::test {

using namespace console;
using namespace drain;
using namespace host;

inline std::string fingerprint_of(const std::string& bytes) {
    Fingerprint fingerprint;
    fingerprint.update(as_bytes(bytes));
    return fingerprint.digits();
}

/// A spool, a ledger and two directory stores, with a drain that runs in this process.
class DrainHarness {
  public:
    explicit DrainHarness(std::vector<std::string> store_names = {"a", "b"}) {
        settings.file = dir.path() + "/walferry.toml";
        settings.cluster = "main";
        settings.spool = dir.path() + "/spool";
        settings.jobs = 2;
        settings.work_dir = dir.path();
        settings.encrypt = false;
        for (const std::string& name : store_names) add_store(name);
        set_up_spool(spool(),
                     find_spool_owner(spool(), std::to_string(::geteuid()), std::to_string(::getegid())));
    }

    void add_store(const std::string& name) {
        StoreSettings store;
        store.name = name;
        store.type = StoreType::directory;
        store.path = store_path(name);
        store.attempts = 1;
        std::filesystem::create_directory(store.path);
        settings.stores.push_back(store);
    }

    std::string store_path(const std::string& name) const { return dir.path() + "/store-" + name; }
    SpoolPaths spool() const { return SpoolPaths(settings.spool); }
    Ledger ledger() const { return Ledger(spool(), Ledger::Open::existing); }
    std::string file(const std::string& name) const { return spool().segment(sysid, name); }

    /// As push leaves it: the file, and unless the ledger was out of reach, its row. Returns the fingerprint.
    std::string push(const WalFile& wal, bool tell_ledger = true) const {
        return push_bytes(wal.name, wal.bytes(), tell_ledger);
    }
    std::string push_bytes(const std::string& name, const std::string& bytes, bool tell_ledger = true) const {
        std::filesystem::create_directories(spool().ready(sysid));
        // Whole or not at all, like push: somebody may be watching.
        const std::string unfinished = dir.path() + "/" + name;
        std::ofstream(unfinished, std::ios::binary) << bytes;
        ::chmod(unfinished.c_str(), 0640);
        std::filesystem::rename(unfinished, file(name));
        const std::string fingerprint = fingerprint_of(bytes);
        if (tell_ledger)
            PushLedger(spool()).record(sysid, *WalName::parse(name), fingerprint, bytes.size(), wall_now());
        return fingerprint;
    }
    /// As push leaves another content of a name that is taken.
    std::string push_second(const WalFile& wal, bool tell_ledger = true) const {
        const std::string fingerprint = fingerprint_of(wal.bytes());
        dir.write("spool/ready/" + std::to_string(sysid) + "/" + wal.name + "-" + fingerprint, wal.bytes());
        if (tell_ledger)
            PushLedger(spool()).record(sysid, *WalName::parse(wal.name), fingerprint, wal.bytes().size(),
                                       wall_now());
        return fingerprint;
    }
    static WalFile wal(unsigned number, std::uint64_t seed = 0) {
        WalFile wal;
        char name[32];
        std::snprintf(name, sizeof name, "0000000100000000%08X", number);
        wal.name = name;
        wal.seed = seed != 0 ? seed : number;
        wal.zero_tail = 0.5;
        return wal;
    }

    DrainResult drain(DrainOptions options = {}, std::stop_token stop = {}) {
        said.clear();
        console::Outcome outcome([this](const std::string& line) { said.push_back(line); });
        return Drain(settings, std::move(options), outcome, std::move(stop)).run([](const Drain::Viewer&) {});
    }

    std::vector<std::string> objects(const std::string& store) const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(store_path(store))) {
            if (entry.is_regular_file()) names.push_back(entry.path().filename());
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    std::size_t spooled() const {
        std::size_t n = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(spool().ready()))
            n += entry.is_regular_file();
        return n;
    }
    bool said_something_with(const std::string& text) const {
        return std::any_of(said.begin(), said.end(),
                           [&](const std::string& line) { return line.find(text) != std::string::npos; });
    }

    TempDir dir;
    Settings settings;
    std::vector<std::string> said;
};

inline void spoil(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    file.put('\x5a');
    file.put('\xa5');
}

/// Puts one into a directory store. Returns the file.
inline std::string write_settlement(const std::string& store, const std::string& name,
                                    const std::string& fingerprint, const WriterKey* writer = nullptr,
                                    std::uint64_t cluster = sysid) {
    Settlement settlement;
    settlement.system_identifier = cluster;
    settlement.name = name;
    settlement.fingerprint = fingerprint;
    settlement.settled_at = format_time(wall_now());
    if (writer != nullptr) sign_settlement(settlement, *writer);
    const std::string text = settlement_json(settlement);
    Sha256 sha256;
    sha256.update(as_bytes(text));
    const std::string path =
        store + "/" +
        ObjectKeys("", "main", sysid).settled({name, fingerprint, hex(sha256.finish()).substr(0, 32)});
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
}

inline std::string only_object(const DrainHarness& h, const std::string& store) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(h.store_path(store))) {
        if (entry.is_regular_file()) return entry.path();
    }
    return "";
}

}  // namespace walferry::test
