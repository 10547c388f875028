#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "common/codec/age/age_keys.hpp"
#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"
#include "tests/shell.hpp"
#include "tests/temp_dir.hpp"
#include "walferry/commands/declare.hpp"

using namespace walferry;
using namespace walferry::commands;
using namespace walferry::test;

namespace {

constexpr int wrong_usage = 2;
constexpr int integrity = 3;

/// Runs one command as a program of its own, with files for its standard streams.
struct Program {
    const TempDir& directory;

    int operator()(CommandBody (*declare)(CLI::App&), const std::vector<std::string>& arguments,
                   const std::string& in = "/dev/null", const std::string& out = "") const {
        const std::string out_path = out.empty() ? directory / "stdout" : out;
        const pid_t child = ::fork();
        if (child == 0) {
            redirect(in, O_RDONLY, STDIN_FILENO);
            redirect(out_path, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
            redirect(directory / "stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
            ::_exit(body(declare, arguments));
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    }

    std::string said() const { return read_file(directory / "stderr"); }
    std::string written() const { return read_file(directory / "stdout"); }

  private:
    static void redirect(const std::string& path, int flags, int target) {
        const int fd = ::open(path.c_str(), flags, 0600);
        if (fd < 0 || ::dup2(fd, target) < 0) ::_exit(254);
    }

    static int body(CommandBody (*declare)(CLI::App&), const std::vector<std::string>& arguments) {
        try {
            CLI::App app;
            const CommandBody run = declare(app);
            app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
            return run(GlobalOptions{});
        } catch (const CLI::ParseError&) {
            return wrong_usage;
        } catch (const Error& error) {
            std::fprintf(stderr, "%s\n", error.what());
            std::fflush(stderr);
            return traits(error.kind()).exit_code;
        }
    }
};

std::string recipient_in(const std::string& identity_path) {
    return load_identities(identity_path).front().recipient().text();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("keygen makes an identity file that age and age-keygen understand") {
    const TempDir directory;
    const Program program{directory};
    const std::string key = directory / "key.txt";
    REQUIRE(program(declare_keygen, {"-o", key}) == 0);
    const std::string recipient = recipient_in(key);
    CHECK(program.said() == "Public key: " + recipient + "\n");
    CHECK(program.written().empty());
    CHECK(contains(read_file(key), "# public key: " + recipient + "\nAGE-SECRET-KEY-1"));

    struct stat found {};
    REQUIRE(::stat(key.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777U) == 0600U);
    CHECK(shell("test \"$(age-keygen -y " + key + ")\" = " + recipient) == 0);
}

TEST_CASE("keygen never replaces a file") {
    const TempDir directory;
    const Program program{directory};
    const std::string key = directory.write("key.txt", "precious");
    CHECK(program(declare_keygen, {"-o", key}) == wrong_usage);
    CHECK(contains(program.said(), key));
    CHECK(read_file(key) == "precious");
    CHECK(program(declare_keygen, {"-o", directory / "missing/key.txt"}) == 1);
}

TEST_CASE("keygen without a file writes to standard output and warns when everyone may read that") {
    const TempDir directory;
    const Program program{directory};
    REQUIRE(program(declare_keygen, {}) == 0);
    CHECK_FALSE(contains(program.said(), "warning"));
    CHECK(contains(program.said(), "Public key: " + recipient_in(directory / "stdout")));
    CHECK_FALSE(contains(program.said(), "SECRET"));

    REQUIRE(::chmod((directory / "stdout").c_str(), 0644) == 0);
    REQUIRE(program(declare_keygen, {}) == 0);
    CHECK(contains(program.said(), "warning"));
    CHECK(program(declare_keygen, {}, "/dev/null", "/dev/full") == 1);
}

TEST_CASE("what encrypt writes is opened by decrypt and by age, with any recipient's identity") {
    const TempDir directory;
    const Program program{directory};
    const std::string one = directory / "one.txt";
    const std::string two = directory / "two.txt";
    REQUIRE(program(declare_keygen, {"-o", one}) == 0);
    REQUIRE(program(declare_keygen, {"-o", two}) == 0);
    const std::string recipients = directory.write("recipients", "# second\n" + recipient_in(two) + "\n");
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 65536, 1'000'000}) {
        const std::string plain = directory.write("plain", noise(size));
        const std::string sealed = directory / "sealed.age";
        REQUIRE(program(declare_encrypt, {"-r", recipient_in(one), "-R", recipients}, plain, sealed) == 0);
        for (const std::string& key : {one, two}) {
            REQUIRE(program(declare_decrypt, {"-i", key}, sealed) == 0);
            CHECK(program.written() == noise(size));
            CHECK(shell("age -d -i " + key + " " + sealed + " | cmp - " + plain) == 0);
        }
        REQUIRE(shell("age -r " + recipient_in(one) + " < " + plain + " > " + sealed) == 0);
        REQUIRE(program(declare_decrypt, {"-i", two, "-i", one}, sealed) == 0);
        CHECK(program.written() == noise(size));
    }
}

TEST_CASE("decrypt ends in failure on anything cut, damaged, or for somebody else") {
    const TempDir directory;
    const Program program{directory};
    const std::string key = directory / "key.txt";
    const std::string other = directory / "other.txt";
    REQUIRE(program(declare_keygen, {"-o", key}) == 0);
    REQUIRE(program(declare_keygen, {"-o", other}) == 0);
    const std::string plain = directory.write("plain", noise(150'000));
    const std::string sealed = directory / "sealed.age";
    REQUIRE(program(declare_encrypt, {"-r", recipient_in(key)}, plain, sealed) == 0);
    const std::string whole = read_file(sealed);

    for (const std::size_t size :
         {std::size_t{0}, std::size_t{50}, std::size_t{200}, std::size_t{100'000}, whole.size() - 1}) {
        INFO(size << " bytes of " << whole.size());
        CHECK(program(declare_decrypt, {"-i", key}, directory.write("cut", whole.substr(0, size))) ==
              integrity);
        CHECK(noise(150'000).compare(0, program.written().size(), program.written()) == 0);
        CHECK(contains(program.said(), "discard") == !program.written().empty());
    }
    CHECK(program(declare_decrypt, {"-i", key}, directory.write("more", whole + "x")) == integrity);
    CHECK(program(declare_decrypt, {"-i", other}, sealed) == wrong_usage);
    CHECK(program.written().empty());
    CHECK(program(declare_decrypt, {"-i", key}, sealed, "/dev/full") == 1);
}

TEST_CASE("encrypt and decrypt refuse wrong keys by name, and show no secret") {
    const TempDir directory;
    const Program program{directory};
    const std::string key = directory / "key.txt";
    REQUIRE(program(declare_keygen, {"-o", key}) == 0);
    const std::string secret(load_identities(key).front().text().view());

    CHECK(program(declare_encrypt, {}) == wrong_usage);
    CHECK(program(declare_encrypt, {"-r", secret}) == wrong_usage);
    CHECK_FALSE(contains(program.said(), secret.substr(16, 10)));
    CHECK(program(declare_encrypt, {"-R", directory / "missing"}) == wrong_usage);
    CHECK(contains(program.said(), directory / "missing"));
    CHECK(program(declare_encrypt, {"-R", directory.path()}) == wrong_usage);
    CHECK(program(declare_encrypt, {"-r", "age1qqq"}) == wrong_usage);
    CHECK(program.written().empty());

    CHECK(program(declare_decrypt, {}) == wrong_usage);
    REQUIRE(::chmod(key.c_str(), 0644) == 0);
    CHECK(program(declare_decrypt, {"-i", key}) == wrong_usage);
    CHECK(contains(program.said(), key));
}
