#include "common/program/fetch_channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <vector>

#include "common/error.hpp"
#include "common/os/os.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace walferry;
using namespace walferry::fetch_channel;
using std::chrono::milliseconds;

namespace {

constexpr Wait a_second{milliseconds(1000), milliseconds(1000)};

std::string fresh_name() {
    static int count = 0;
    return socket_name({"test", std::to_string(::getpid()), std::to_string(count++)});
}

struct Pair {
    Fd listening, caller, helper;
    Pair() {
        const std::string name = fresh_name();
        listening = listen_at(name);
        REQUIRE(listening);
        caller = connect_to(name);
        REQUIRE(caller);
        helper = accept_from(listening.get());
        REQUIRE(helper);
    }
};

}  // namespace

TEST_CASE("A socket's name depends on every part and on where one ends", "[fetch]") {
    CHECK(socket_name({"a", "b"}) == socket_name({"a", "b"}));
    CHECK(socket_name({"a", "b"}) != socket_name({"ab"}));
    CHECK(socket_name({"a", "b"}) != socket_name({"b", "a"}));
    CHECK(socket_name({"a", ""}) != socket_name({"a"}));
}

TEST_CASE("There is one listener at a name, and none once it has gone", "[fetch]") {
    const std::string name = fresh_name();
    CHECK_FALSE(connect_to(name));
    {
        const Fd first = listen_at(name);
        CHECK(first);
        CHECK_FALSE(listen_at(name));
        CHECK(connect_to(name));
    }
    CHECK_FALSE(connect_to(name));
    CHECK(listen_at(name));
}

TEST_CASE("A request is read as it was sent, and nonsense is not read at all", "[fetch]") {
    Pair pair;
    REQUIRE(send_request(pair.caller.get(), {"000000010000000000000007"}));
    const auto request = receive_request(pair.helper.get());
    REQUIRE(request);
    CHECK(request->name == "000000010000000000000007");
    for (const std::string nonsense :
         {"", "r", "r../../etc/passwd", "r000000010000000000000007.partial", "r00000001000000000000000g"}) {
        INFO(nonsense);
        (void)::send(pair.caller.get(), nonsense.data(), nonsense.size(), 0);
        CHECK_FALSE(receive_request(pair.helper.get()));
    }
    CHECK_FALSE(receive_request(pair.helper.get()));  // nothing there: it does not wait
    CHECK_FALSE(send_request(pair.caller.get(), {std::string(100, 'x')}));
}

TEST_CASE("A reply brings its answer, its lines and an open file", "[fetch]") {
    Pair pair;
    test::TempDir dir;
    Reply reply{Answer::fetched, "store one: damaged\n",
                os::open_at(AT_FDCWD, dir / "file", O_CREAT | O_RDWR, 0600, "file")};
    os::write_at(reply.file.get(), as_bytes("content"), 0, "file");
    REQUIRE(send_reply(pair.helper.get(), reply));
    const auto got = receive_reply(pair.caller.get(), a_second);
    REQUIRE(got);
    CHECK(got->answer == Answer::fetched);
    CHECK(got->said == "store one: damaged\n");
    std::array<std::byte, 7> bytes{};
    CHECK(os::read_at(got->file.get(), bytes, 0, "file") == bytes.size());
    CHECK(as_text(bytes) == "content");

    REQUIRE(send_reply(pair.helper.get(), {Answer::absent, std::string(100'000, 'x'), {}}));
    const auto long_one = receive_reply(pair.caller.get(), a_second);
    REQUIRE(long_one);
    CHECK(long_one->answer == Answer::absent);
    CHECK(long_one->said.size() < 20'000);
}

TEST_CASE("A reply that does not come, or says fetched without a file, is none", "[fetch]") {
    Pair pair;
    CHECK_FALSE(receive_reply(pair.caller.get(), Wait{milliseconds(20), milliseconds(1000)}));
    REQUIRE(send_reply(pair.helper.get(), {Answer::fetched, "", {}}));
    CHECK_FALSE(receive_reply(pair.caller.get(), a_second));
    pair.helper.reset();
    CHECK_FALSE(receive_reply(pair.caller.get(), a_second));
    CHECK_FALSE(send_request(pair.caller.get(), {"000000010000000000000007"}));
}

TEST_CASE("A listener that accepts no callers keeps none of them waiting", "[fetch]") {
    const std::string name = fresh_name();
    const Fd listening = listen_at(name);
    REQUIRE(listening);
    std::vector<Fd> callers;
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) {
        callers.push_back(connect_to(name));
        if (!callers.back()) break;
    }
    CHECK_FALSE(callers.back());
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}

TEST_CASE("A caller waits through signs of life, and tells a limit from a helper that has gone", "[fetch]") {
    Pair pair;
    bool gone = true;
    REQUIRE(send_reply(pair.helper.get(), {Answer::working, {}, {}}));
    CHECK_FALSE(receive_reply(pair.caller.get(), {milliseconds(100), milliseconds(100)}, &gone));
    CHECK_FALSE(gone);
    REQUIRE(send_reply(pair.helper.get(), {Answer::working, {}, {}}));
    REQUIRE(send_reply(pair.helper.get(), {Answer::unavailable, "later", {}}));
    const auto reply = receive_reply(pair.caller.get(), a_second);
    REQUIRE(reply);
    CHECK(reply->answer == Answer::unavailable);
    CHECK_FALSE(receive_reply(pair.caller.get(), {milliseconds(20), milliseconds(10'000)}, &gone));
    CHECK(gone);  // it says nothing, long before the limit
    pair.helper.reset();
    CHECK_FALSE(receive_reply(pair.caller.get(), {milliseconds(10'000), milliseconds(10'000)}, &gone));
    CHECK(gone);
}
