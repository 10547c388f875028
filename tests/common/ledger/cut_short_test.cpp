#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/error.hpp"
#include "common/ledger/sqlite.hpp"
#include "common/os/bus_error.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using walferry::test::TempDir;

namespace {

extern "C" void on_bus_error(int) {
    os::leave_on_bus_error();
    ::_exit(99);
}

/// As archive-push handles the signal.
class LeavesOnBusError {
  public:
    LeavesOnBusError() {
        struct sigaction action {};
        action.sa_handler = on_bus_error;
        action.sa_flags = SA_NODEFER;
        ::sigaction(SIGBUS, &action, &before_);
    }
    ~LeavesOnBusError() { ::sigaction(SIGBUS, &before_, nullptr); }

  private:
    struct sigaction before_ {};
};

}  // namespace

TEST_CASE("A call that touches what is cut short is left, also within another one") {
    const LeavesOnBusError handler;
    const TempDir dir;
    dir.write("file", std::string(8192, 'x'));
    const int file = ::open((dir / "file").c_str(), O_RDWR | O_CLOEXEC);
    auto* memory = static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    REQUIRE(memory != MAP_FAILED);
    const auto touch = [](void* at) { *static_cast<volatile char*>(at) = 'y'; };
    CHECK(os::survives_bus_error(touch, memory + 4096));
    REQUIRE(::ftruncate(file, 4096) == 0);
    struct Inner {
        char* at;
        bool survived;
        void (*touch)(void*);
    } inner{memory + 4096, true, touch};
    CHECK(os::survives_bus_error(
        [](void* given) {
            auto& self = *static_cast<Inner*>(given);
            self.survived = os::survives_bus_error(self.touch, self.at);
        },
        &inner));
    CHECK_FALSE(inner.survived);
    CHECK(os::survives_bus_error(touch, memory));
    CHECK_FALSE(os::survives_bus_error(touch, memory + 4096));
    ::munmap(memory, 8192);
    ::close(file);
}

namespace {

/// How many of two attempts threw as they should and unwound the frames above SQLite's.
int abandoned_twice(const std::string& path) {
    const LeavesOnBusError handler;
    sqlite::OpenOptions options;
    options.create = true;
    options.advice.cut_short = "make room";
    int unwound = 0, thrown = 0;
    sqlite::Database database(path, options);
    database.execute(
        "PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES "
        "(1)");
    if (::truncate((path + "-shm").c_str(), 0) != 0) return 0;
    for (int time = 1; time <= 2; ++time) {
        try {
            struct Counts {
                int& count;
                ~Counts() { ++count; }
            } const counts{unwound};
            sqlite::Transaction transaction(database);
            sqlite::Statement(database, "INSERT INTO t VALUES (?1)").bind(std::int64_t{2}).run();
            transaction.commit();
        } catch (const Error& error) {
            thrown += error.kind() == ErrorKind::ledger && error.hint() == "make room" &&
                      error.message().find("cut short while it was in use") != std::string::npos &&
                      unwound == time && database.is_abandoned();
        }
    }
    return thrown;
}

}  // namespace

TEST_CASE("A database whose index is cut short throws, unwinds what used it, and stays out of use") {
    const TempDir dir;
    const std::string path = std::filesystem::canonical(dir.path()).string() + "/data.db";
    // In a process of its own: what an abandoned connection holds is freed with the process only.
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            ::_exit(abandoned_twice(path));
        } catch (...) {
            ::_exit(98);
        }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 2);
    // The next process finds everything that was committed.
    sqlite::Database database(path, {});
    CHECK(database.integer("SELECT count(*) FROM t") == 1);
}
