#include "common/os/secret_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

std::string complaint(const std::string& path) {
    try {
        read_secret_file(path, "credentials file");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::config);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        return error.what();
    }
    FAIL("it was accepted");
    return {};
}

std::string guarded(const TempDir& directory, const std::string& content, mode_t mode) {
    std::string path = directory.write("secret", content);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
}

}  // namespace

TEST_CASE("a secret file is read when only its owner and its group can get at it") {
    const TempDir directory;
    for (const mode_t mode : std::initializer_list<mode_t>{0400, 0440, 0600, 0640, 0660, 0770}) {
        CHECK(read_secret_file(guarded(directory, "hush\n", mode), "secret").view() == "hush\n");
        ::unlink((directory / "secret").c_str());
    }
    CHECK(read_secret_file(guarded(directory, "", 0600), "secret").view().empty());
}

TEST_CASE("a secret file with any permission for others is refused") {
    const TempDir directory;
    for (const mode_t mode : std::initializer_list<mode_t>{0604, 0602, 0601}) {
        CHECK(complaint(guarded(directory, "hush", mode)).find("chmod o=") != std::string::npos);
    }
}

TEST_CASE("the file behind a symbolic link is the one that is judged") {
    const TempDir directory;
    const std::string path = guarded(directory, "hush", 0600);
    const std::string link = directory / "link";
    REQUIRE(::symlink(path.c_str(), link.c_str()) == 0);
    CHECK(read_secret_file(link, "secret").view() == "hush");
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    complaint(link);
}

TEST_CASE("a secret file of another user is refused") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can make a file of another user");
        return;
    }
    const TempDir directory;
    const std::string path = guarded(directory, "hush", 0600);
    REQUIRE(::chown(path.c_str(), 4711, 4711) == 0);
    CHECK(complaint(path).find("4711") != std::string::npos);
}

TEST_CASE("what is no file, is missing or is far too large is refused without waiting") {
    const TempDir directory;
    const std::string fifo = directory / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    complaint(fifo);
    REQUIRE(::chmod(directory.path().c_str(), 0700) == 0);
    complaint(directory.path());
    complaint(directory / "missing");
    complaint("/dev/zero");
    complaint(guarded(directory, std::string(64 * 1024 + 1, 'x'), 0600));
    CHECK(read_secret_file(guarded(directory, std::string(64 * 1024, 'x'), 0600), "secret").view().size() ==
          65536);
}

TEST_CASE("a new secret file is for its owner alone and never replaces one") {
    const TempDir directory;
    const std::string path = directory / "new";
    SecretText text(4);
    text.append("hush");
    const mode_t mask = ::umask(0);
    create_secret_file(path, "key file", text);
    ::umask(mask);
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777U) == 0600U);
    CHECK(read_file(path) == "hush");

    SecretText other(5);
    other.append("other");
    CHECK_THROWS_AS(create_secret_file(path, "key file", other), Error);
    CHECK(read_file(path) == "hush");
    CHECK_THROWS_AS(create_secret_file(directory / "no/such/folder", "key file", other), Error);
    CHECK_THROWS_AS(create_secret_file(directory.path() + "/", "key file", other), Error);
}

TEST_CASE("secret text does not grow beyond its buffer and is gone from where it was moved") {
    SecretText text(4);
    text.append("hush");
    CHECK_THROWS_AS(text.append("!"), Error);
    CHECK_THROWS_AS(text.resize(5), Error);
    const SecretText moved = std::move(text);
    CHECK(moved.view() == "hush");
    CHECK(text.view().empty());
}

TEST_CASE("a lender's secret file is read, and no other user's") {
    if (::geteuid() != 0) {
        WARN("skipped: giving files away needs root");
        return;
    }
    const TempDir directory;
    const std::string path = guarded(directory, "hush", 0600);
    REQUIRE(::chown(path.c_str(), 4711, 4711) == 0);
    CHECK(read_secret_file(path, "secret", 4711).view() == "hush");
    CHECK_THROWS_AS(read_secret_file(path, "secret", 4712), Error);
    CHECK_THROWS_AS(read_secret_file(path, "secret"), Error);
}
