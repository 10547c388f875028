#pragma once
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "common/ledger/ledger.hpp"
#include "common/spool_paths.hpp"
#include "tests/catch.hpp"
#include "tests/forbid.hpp"
#include "tests/places.hpp"
#include "tests/process.hpp"
#include "tests/temp_dir.hpp"
#include "tests/wal_file.hpp"

namespace walferry::test {

namespace fs = std::filesystem;

/// Sanitizers cannot be linked statically: then the program needs its libraries like any other.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool program_is_static = false;
#else
inline constexpr bool program_is_static = true;
#endif

/// A data directory and a spool with a ledger, and the real programs.
struct PushFixture {
    TempDir dir;
    std::string data;
    SpoolPaths spool;
    std::string program;

    explicit PushFixture(const std::string& program_name = "walferry-archive-push")
        : data(dir / "data"), spool(dir / "spool"), program(program_path(program_name)) {
        dir.write("data/global/pg_control", pg_control_bytes(sysid));
        fs::create_directories(data + "/pg_wal");
        const mode_t before = ::umask(0);
        REQUIRE(::mkdir(spool.root.c_str(), spool_mode::root) == 0);
        REQUIRE(::chmod(spool.root.c_str(), spool_mode::root) == 0);
        for (const std::string& part : {spool.ready(), spool.tmp(), spool.ledger_directory()}) {
            REQUIRE(::mkdir(part.c_str(), 0770) == 0);
            REQUIRE(::chmod(part.c_str(), spool_mode::shared_directory) == 0);
        }
        ::umask(before);
        Ledger(spool, Ledger::Open::create);
    }

    std::string wal(const WalFile& file = {}) const { return file.write(data + "/pg_wal"); }
    Process pushing(const std::string& path, const std::vector<std::string>& options = {}) const {
        std::vector<std::string> argv{program, "--spool", spool.root};
        argv.insert(argv.end(), options.begin(), options.end());
        argv.push_back(path);
        return Process(argv);
    }
    Outcome push(const std::string& path, const std::vector<std::string>& options = {}) const {
        return pushing(path, options).run();
    }

    /// With strace's `inject`: system calls that fail, are held up or bring a signal.
    Process pushing_with(const std::string& injected, const std::string& path) const {
        return Process({"strace", "-qq", "-o", "/dev/null", "-e", "inject=" + injected, program, "--spool",
                        spool.root, path})
            .environment("ASAN_OPTIONS", "detect_leaks=0");  // it cannot be traced itself
    }

    std::string spooled(const std::string& name = WalFile{}.name) const { return spool.segment(sysid, name); }
    std::vector<std::string> names(const std::string& directory) const {
        std::vector<std::string> found;
        if (!fs::exists(directory)) return found;
        for (const auto& entry : fs::directory_iterator(directory)) found.push_back(entry.path().filename());
        std::sort(found.begin(), found.end());
        return found;
    }
    std::vector<SegmentRow> rows(const std::string& name = WalFile{}.name) const {
        return Ledger(spool, Ledger::Open::existing).rows_of(sysid, name);
    }
    /// Nothing in the spool, neither a segment nor a left-over.
    bool untouched() const { return names(spool.ready(sysid)).empty() && names(spool.tmp()).empty(); }
};

/// Unmounts at the end, before the directory below is removed.
class Mounted {
  public:
    explicit Mounted(std::string path) : path_(std::move(path)) {}
    ~Mounted() { ::umount2(path_.c_str(), MNT_DETACH); }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;

  private:
    std::string path_;
};

inline mode_t mode_of(const std::string& path) {
    struct stat found {};
    REQUIRE(::lstat(path.c_str(), &found) == 0);
    return found.st_mode & 07777;
}

/// One line that begins with the program's name: what lands in the server's log.
inline bool is_one_line(const std::string& text) {
    return text.rfind("walferry-archive-push: ", 0) == 0 && std::count(text.begin(), text.end(), '\n') == 1 &&
           text.back() == '\n';
}

}  // namespace walferry::test
