#include "common/os/durable_file.hpp"

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/forbid.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

struct Place {
    TempDir dir;
    Directory ready;
    Directory tmp;
    Place() {
        fs::create_directory(dir / "ready");
        fs::create_directory(dir / "tmp");
        ready = os::open_directory(dir / "ready");
        tmp = os::open_directory(dir / "tmp");
    }
    std::vector<std::string> names(const std::string& where) const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(dir / where))
            found.push_back(entry.path().filename());
        std::sort(found.begin(), found.end());
        return found;
    }
    PublishResult publish(const std::string& name, const std::string& content) const {
        DurableFile file(ready, tmp, name, 0640);
        file.reserve(content.size());
        file.write(as_bytes(content));
        file.sync();
        return file.publish();
    }
};

using Names = std::vector<std::string>;

/// True when `work`, in a process of its own under these rules, returned true.
bool in_child(const std::vector<Forbidden>& rules, const std::function<bool()>& work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool good = false;
        try {
            good = forbid(rules) && work();
        } catch (const std::exception&) {
        }
        ::_exit(good ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const std::string content = std::string(3 << 20, 'w') + "end";

}  // namespace

TEST_CASE("a published file is there whole, with its mode, and nothing else is", "[durable_file]") {
    const Place place;
    CHECK(place.publish("segment", content) == PublishResult::published);
    CHECK(read_file(place.dir / "ready/segment") == content);
    CHECK(place.names("ready") == Names{"segment"});
    CHECK(place.names("tmp").empty());
    CHECK(fs::hard_link_count(place.dir / "ready/segment") == 1);
}

TEST_CASE("a published file has exactly the mode asked for, whatever the umask", "[durable_file]") {
    const Place place;
    const mode_t before = ::umask(0077);
    place.publish("strict", "x");
    ::umask(0);
    place.publish("lax", "x");
    ::umask(before);
    for (const char* name : {"strict", "lax"}) {
        struct stat found {};
        REQUIRE(::stat((place.dir / "ready/" + name).c_str(), &found) == 0);
        CHECK((found.st_mode & 07777) == 0640);
    }
}

TEST_CASE("a name that is taken is never replaced, whatever stands there", "[durable_file]") {
    const Place place;
    place.dir.write("ready/file", "old");
    fs::create_symlink(place.dir / "elsewhere", place.dir / "ready/link");
    fs::create_directory(place.dir / "ready/folder");
    for (const char* name : {"file", "link", "folder"}) {
        CHECK(place.publish(name, "new") == PublishResult::name_taken);
    }
    CHECK(read_file(place.dir / "ready/file") == "old");
    CHECK(fs::is_symlink(place.dir / "ready/link"));
    CHECK_FALSE(fs::exists(place.dir / "elsewhere"));
    CHECK(place.names("ready") == Names{"file", "folder", "link"});
}

TEST_CASE("a file that is not published leaves nothing behind", "[durable_file]") {
    const Place place;
    const auto abandon = [&] {
        DurableFile file(place.ready, place.tmp, "segment", 0640);
        file.write(as_bytes("half"));
        file.sync();
        return true;
    };
    CHECK(abandon());
    CHECK(in_child({no_unnamed_files}, abandon));
    CHECK(place.names("ready").empty());
    CHECK(place.names("tmp").empty());
}

TEST_CASE("publishing before syncing is a defect that does not pass unnoticed", "[durable_file]") {
    const Place place;
    DurableFile file(place.ready, place.tmp, "segment", 0640);
    file.write(as_bytes("x"));
    CHECK_THROWS_AS(file.publish(), Error);
    CHECK(place.names("ready").empty());
}

TEST_CASE("on older kernels and other filesystems a file is published all the same", "[durable_file]") {
    struct Row {
        const char* what;
        std::vector<Forbidden> rules;
    };
    const Row rows[] = {
        {"no linking by descriptor", {no_link_by_descriptor}},
        {"no linking by descriptor, no /proc", {no_link_by_descriptor, no_link_by_proc}},
        {"no unnamed files", {no_unnamed_files}},
        {"no hard links", {no_unnamed_files, no_links}},
        {"no fallocate", {no_fallocate}},
        {"nothing special at all", {no_unnamed_files, no_fallocate, no_clone, no_rename_noreplace}},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const Place place;
        place.dir.write("ready/taken", "old");
        CHECK(in_child(row.rules,
                       [&] { return place.publish("segment", content) == PublishResult::published; }));
        CHECK(in_child(row.rules,
                       [&] { return place.publish("taken", content) == PublishResult::name_taken; }));
        CHECK(read_file(place.dir / "ready/segment") == content);
        CHECK(read_file(place.dir / "ready/taken") == "old");
        CHECK(fs::hard_link_count(place.dir / "ready/segment") == 1);
        CHECK(place.names("tmp").empty());
    }
}

TEST_CASE("a filesystem that can neither link nor rename safely is an error, and nothing appears",
          "[durable_file]") {
    const Place place;
    CHECK(in_child({no_unnamed_files, no_links, no_rename_noreplace}, [&] {
        try {
            place.publish("segment", content);
        } catch (const Error& error) {
            return error.kind() == ErrorKind::io;
        }
        return false;
    }));
    CHECK(place.names("ready").empty());
    CHECK(place.names("tmp").empty());
}

TEST_CASE("what a killed process left in tmp is removed, what is in use is not", "[durable_file]") {
    const Place place;
    REQUIRE_FALSE(in_child({no_unnamed_files}, [&] {
        DurableFile file(place.ready, place.tmp, "killed", 0640);
        file.write(as_bytes(content));
        ::raise(SIGKILL);
        return true;
    }));
    REQUIRE(place.names("tmp").size() == 1);
    place.dir.write("tmp/notes", "a person's");
    place.dir.write("tmp/.notes", "a person's");
    fs::create_symlink("/etc/passwd", place.dir / "tmp/.link.1.0123456789abcdef");
    REQUIRE(::mkfifo((place.dir / "tmp/.fifo.1.0123456789abcdef").c_str(), 0600) == 0);

    int ready[2];
    int done[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(done) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(done[1]);
        forbid({no_unnamed_files});
        DurableFile file(place.ready, place.tmp, "in-use", 0640);
        char byte = 0;
        const bool good = ::write(ready[1], "x", 1) == 1 && ::read(done[0], &byte, 1) == 0;
        file.sync();
        ::_exit(good && file.publish() == PublishResult::published ? 0 : 1);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    CHECK(remove_stale_tmp(place.tmp) == 1);
    CHECK(remove_stale_tmp(place.tmp) == 0);
    CHECK(place.names("tmp").size() == 5);
    ::close(done[1]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(place.names("ready") == Names{"in-use"});
}

TEST_CASE("without a place for temporary files the message says how to get one", "[durable_file]") {
    const Place place;
    CHECK(in_child({no_unnamed_files}, [&] {
        const Directory missing{Fd(), "/spool/tmp"};
        try {
            DurableFile file(place.ready, missing, "segment", 0640);
        } catch (const Error& error) {
            return std::string(error.what()).find("/spool/tmp") != std::string::npos;
        }
        return false;
    }));
}

TEST_CASE("a directory is made once, with its mode, and opened from then on", "[durable_file]") {
    const Place place;
    const mode_t before = ::umask(0077);
    const Directory made = open_or_make_directory(place.ready, "7301234567890123456", 02770);
    ::umask(before);
    struct stat found {};
    REQUIRE(::fstat(made.get(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0770);
    CHECK(made.path == place.dir / "ready/7301234567890123456");
    place.dir.write("ready/7301234567890123456/x", "x");
    CHECK_NOTHROW(open_or_make_directory(place.ready, "7301234567890123456", 02770));
    CHECK(fs::exists(place.dir / "ready/7301234567890123456/x"));
}

TEST_CASE("a symbolic link or a file in a directory's place is not followed", "[durable_file]") {
    const Place place;
    fs::create_directory_symlink(place.dir / "tmp", place.dir / "ready/link");
    place.dir.write("ready/file", "x");
    CHECK_THROWS_AS(open_or_make_directory(place.ready, "link", 0770), Error);
    CHECK_THROWS_AS(open_or_make_directory(place.ready, "file", 0770), Error);
}

TEST_CASE("a file can take the name of another one, and leaves no other name behind", "[durable_file]") {
    const auto replaced = [](const std::vector<Forbidden>& rules) {
        const Place place;
        const bool done = in_child(rules, [&] {
            for (const char* text : {"first", "second"}) {
                DurableFile file(place.ready, place.ready, "file", 0600);
                file.write(as_bytes(text));
                file.sync();
                file.replace();
            }
            return true;
        });
        CHECK(read_file(place.dir / "ready/file") == "second");
        CHECK(place.names("ready") == Names{"file"});
        return done;
    };
    CHECK(replaced({}));
    CHECK(replaced({no_link_by_descriptor}));
    CHECK(replaced({no_unnamed_files}));
}

TEST_CASE("a synced file can be handed over by its descriptor and get its name elsewhere", "[durable_file]") {
    const auto handed_over = [](const std::vector<Forbidden>& rules) {
        const Place place;
        const bool done = in_child(rules, [&] {
            DurableFile file(place.ready, place.ready, "made", 0600);
            file.write(as_bytes(content));
            file.sync();
            Fd fd = file.release();
            if (!place.names("ready").empty()) return false;
            DurableFile other(place.ready, place.ready, "taken", 0600, std::move(fd));
            other.replace();
            return true;
        });
        CHECK(read_file(place.dir / "ready/taken") == content);
        CHECK(place.names("ready") == Names{"taken"});
        return done;
    };
    CHECK(handed_over({}));
    CHECK(handed_over({no_link_by_descriptor}));
    // Where it cannot be linked any more its bytes are copied.
    CHECK(handed_over({no_unnamed_files}));
    CHECK(handed_over({no_link_by_descriptor, no_link_by_proc, no_clone}));
}
