#include "tests/contract/scripted_server.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <vector>

#include "tests/catch.hpp"
#include "tests/places.hpp"

namespace walferry::contract {
namespace {

struct Pipe {
    Fd read;
    Fd write;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

int read_number(int fd) {
    std::string text;
    for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';) text += c;
    REQUIRE_FALSE(text.empty());
    return std::stoi(text);
}

}  // namespace

ScriptedServer::ScriptedServer(const std::string& ca_directory, const std::string& certificate)
    : credentials_file_(directory_.path() + "/credentials"), scheme_(certificate.empty() ? "http" : "https") {
    write_file(credentials_file_, "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n",
               0600);
    std::vector<std::string> arguments = {"/usr/bin/python3", test::source_file("tests/s3/misbehave.py")};
    if (!certificate.empty()) {
        arguments.push_back(ca_directory + "/" + certificate + ".pem");
        arguments.push_back(ca_directory + "/" + certificate + ".key");
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);

    Pipe in = make_pipe();
    Pipe out = make_pipe();
    posix_spawn_file_actions_t actions;
    REQUIRE(::posix_spawn_file_actions_init(&actions) == 0);
    REQUIRE(::posix_spawn_file_actions_adddup2(&actions, in.read.get(), 0) == 0);
    REQUIRE(::posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1) == 0);
    const int failed = ::posix_spawn(&pid_, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    REQUIRE(failed == 0);
    lifeline_ = std::move(in.write);
    out.write.reset();
    port_ = read_number(out.read.get());
}

ScriptedServer::~ScriptedServer() {
    lifeline_.reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

StoreSettings ScriptedServer::store(const std::string& scenario) const {
    StoreSettings settings;
    settings.name = "scripted";
    settings.endpoint = scheme_ + "://127.0.0.1:" + std::to_string(port_);
    settings.region = "us-east-1";
    settings.bucket = scenario;
    settings.credentials_file = credentials_file_;
    settings.connect_timeout = std::chrono::seconds(5);
    settings.silence_timeout = std::chrono::seconds(10);
    settings.attempts = 1;
    return settings;
}

}  // namespace walferry::contract
