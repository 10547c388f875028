#include "transfer/put_verified.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/store/object_buffer.hpp"
#include "common/wal/fingerprint.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/fake_store.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::transfer;
using namespace walferry::test;

namespace {

/// An object of that size, encoded as it were, and a store.
struct Attempt {
    explicit Attempt(std::size_t size) : content(noise(size, 7)), body(pool, dir.path()) {
        Sha256 sha256;
        sha256.update(as_bytes(content));
        digest.sha256 = sha256.finish();
        checksum = fingerprint_of(content);
        body.write(as_bytes(content));
        body.finish();
    }
    void send(const std::stop_token& stop = {}) {
        Sending sending{"store a: " + key, "another copy follows", stop, copies};
        sending.taken = [this] { ++taken; };
        sending.pause = pause;
        put_verified(store, {key, body, digest, checksum}, sending);
    }
    /// What sending throws.
    Error failure() {
        try {
            send();
        } catch (const Error& error) {
            return error;
        }
        throw std::logic_error("nothing was thrown");
    }

    TempDir dir;
    BlockPool pool;
    std::string content, checksum, key = "a/key";
    ObjectBuffer body;
    BodyDigest digest{};
    FakeStore store;
    int taken = 0;
    int copies = 1;
    std::chrono::milliseconds pause{0};
};

constexpr std::size_t in_memory = 3'000'001;
constexpr std::size_t in_a_file = ObjectBuffer::memory_limit + 4'321;

void flip(std::string& bytes) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
}

/// One bit of the unnamed file in which the object rests.
void flip_in_work_file(const std::string& dir, std::uint64_t offset) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
        if (error || !target.starts_with(dir)) continue;
        const int fd = ::open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
        REQUIRE(fd >= 0);
        char byte = 0;
        REQUIRE(::pread(fd, &byte, 1, static_cast<off_t>(offset)) == 1);
        byte = static_cast<char>(byte ^ 1);
        REQUIRE(::pwrite(fd, &byte, 1, static_cast<off_t>(offset)) == 1);
        ::close(fd);
        return;
    }
    FAIL("no work file");
}

}  // namespace

TEST_CASE("An object that comes back as it was sent is read once") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, in_memory, in_a_file}) {
        Attempt sending(size);
        sending.send();
        CHECK(sending.taken == 1);
        CHECK(sending.store.puts == 1);
        CHECK(sending.store.gets == 1);
        CHECK(sending.store.objects.at(sending.key) == sending.content);
    }
}

TEST_CASE("What differs or is missing once is asked for a second time") {
    Attempt sending(in_memory);
    SECTION("a flipped bit") {
        sending.store.change = [](int get, std::string& bytes) {
            if (get == 1) flip(bytes);
        };
    }
    SECTION("fewer bytes") {
        sending.store.change = [](int get, std::string& bytes) {
            if (get == 1) bytes.pop_back();
        };
    }
    SECTION("more bytes") {
        sending.store.change = [](int get, std::string& bytes) {
            if (get == 1) bytes += "x";
        };
    }
    SECTION("nothing") {
        sending.store.is_away = [](int get) { return get == 1; };
    }
    sending.send();
    CHECK(sending.store.puts == 1);
    CHECK(sending.store.gets == 2);
}

TEST_CASE("What differs twice is not verified, and the message says how") {
    Attempt sending(in_memory);
    sending.store.change = [](int, std::string& bytes) { flip(bytes); };
    const Error flipped = sending.failure();
    CHECK(flipped.kind() == ErrorKind::integrity);
    CHECK(flipped.message() == "store a: a/key came back with other bytes than were sent");
    CHECK(flipped.hint().find("another copy follows") != std::string::npos);
    sending.store.change = [](int, std::string& bytes) { bytes += "x"; };
    CHECK(sending.failure().message() ==
          "store a: a/key came back with other bytes than were sent (3000002 instead of 3000001)");
    sending.store.change = [](int, std::string& bytes) { bytes.clear(); };
    CHECK(sending.failure().message() ==
          "store a: a/key came back with other bytes than were sent (0 instead of 3000001)");
    sending.store.is_away = [](int) { return true; };
    CHECK(sending.failure().kind() == ErrorKind::not_found);
}

TEST_CASE("A byte of the work file that changed before the put does not verify itself") {
    Attempt sending(in_a_file);
    flip_in_work_file(sending.dir.path(), 12'345);
    const Error error = sending.failure();
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(sending.store.objects.at(sending.key) != sending.content);
}

TEST_CASE("A byte of the work file that changed after the put is not held against the store") {
    Attempt sending(in_a_file);
    sending.store.change = [&](int get, std::string&) {
        if (get == 1) flip_in_work_file(sending.dir.path(), 12'345);
    };
    sending.send();
    CHECK(sending.store.gets == 2);
}

TEST_CASE("What differs twice is sent once more where two copies are allowed, and no third time") {
    Attempt sending(in_memory);
    sending.copies = 2;
    sending.store.change = [](int get, std::string& bytes) {
        if (get <= 2) flip(bytes);
    };
    sending.send();
    CHECK(sending.store.puts == 2);
    CHECK(sending.store.gets == 3);
    CHECK(sending.taken == 2);
    sending.store.change = [](int, std::string& bytes) { flip(bytes); };
    CHECK(sending.failure().kind() == ErrorKind::integrity);
    CHECK(sending.store.puts == 4);
}

TEST_CASE("What a store refuses is not sent a second time here") {
    Attempt sending(in_memory);
    sending.copies = 2;
    sending.store.refuse = [](const std::string&) { throw Error(ErrorKind::denied, "no right to put"); };
    CHECK(sending.failure().kind() == ErrorKind::denied);
    CHECK(sending.store.puts == 1);
    CHECK(sending.taken == 0);
}

TEST_CASE("A request to stop ends the wait before the second look") {
    Attempt sending(in_memory);
    sending.pause = std::chrono::hours(1);
    std::stop_source stop;
    sending.store.change = [&](int, std::string& bytes) {
        flip(bytes);
        stop.request_stop();
    };
    try {
        sending.send(stop.get_token());
        FAIL("it came back");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
    CHECK(sending.store.gets == 1);
}
