// push-bench plain PUSH YARDSTICK DIRECTORY ROUNDS   push against the plain durable copy, interleaved
// push-bench clone PUSH YARDSTICK DIRECTORY ROUNDS   push with cloning against the same push without
// Each round has a segment with a name and content of its own, synced before, as PostgreSQL leaves it.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/ledger.hpp"
#include "common/os.hpp"
#include "tests/forbid.hpp"
#include "tests/wal_file.hpp"

using namespace walferry;
namespace fs = std::filesystem;

namespace {

// A filter that refuses nothing that is used, so that both sides pay for having one.
constexpr test::Forbidden nothing{__NR_acct, 0, 0, 0, EPERM};

double run_ms(const std::vector<std::string>& command, const std::vector<test::Forbidden>& rules = {}) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    std::vector<sock_filter> filter = test::filter_program(rules);
    const auto start = std::chrono::steady_clock::now();
    const pid_t child = ::vfork();
    if (child == 0) {
        if (!rules.empty() && !test::install(filter)) ::_exit(126);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
        throw std::runtime_error(command[0] + " failed with status " + std::to_string(status));
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

struct Bench {
    std::string push, yardstick, directory, spool, data;
    unsigned number = 0;

    explicit Bench(char** argv) : push(argv[2]), yardstick(argv[3]), directory(argv[4]) {
        spool = directory + "/spool";
        data = directory + "/data";
        for (const char* part :
             {"/spool/ready", "/spool/tmp", "/spool/ledger", "/data/pg_wal", "/data/global", "/yardstick"}) {
            fs::create_directories(directory + part);
        }
        Ledger(SpoolPaths(spool), Ledger::Open::create);
        FILE* control = std::fopen((data + "/global/pg_control").c_str(), "w");
        if (control == nullptr) throw std::runtime_error("cannot write pg_control");
        const std::string bytes = test::pg_control_bytes(test::sysid);
        std::fwrite(bytes.data(), 1, bytes.size(), control);
        std::fclose(control);
    }

    test::WalFile next_segment() {
        test::WalFile file;
        file.segment_size = 16 << 20;
        std::array<char, 32> name{};
        ++number;
        std::snprintf(name.data(), name.size(), "00000001%08X%08X", number / 256, number % 256);
        file.name = name.data();
        file.seed = number + static_cast<std::uint64_t>(::getpid()) * 1000003;
        const std::string path = file.write(data + "/pg_wal");
        const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        os::sync(fd.get(), path);
        return file;
    }
    std::vector<std::string> push_command(const std::string& name) const {
        return {push, "--spool", spool, data + "/pg_wal/" + name};
    }
    void tidy(const std::string& name) const {
        fs::remove(data + "/pg_wal/" + name);
        fs::remove(directory + "/yardstick/" + name);
        fs::remove(SpoolPaths(spool).segment(test::sysid, name));
    }
    long resident_kib() {
        const std::string name = next_segment().name;
        std::string command = yardstick + " rss";
        for (const std::string& word : push_command(name)) command += " '" + word + "'";
        FILE* answer = ::popen(command.c_str(), "r");
        long kib = -1;
        if (answer == nullptr || std::fscanf(answer, "%ld", &kib) != 1 || ::pclose(answer) != 0) kib = -1;
        tidy(name);
        return kib;
    }
};

double at(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

void print(const char* what, const std::vector<double>& ms) {
    std::printf("%-34s median %6.2f ms   p99 %6.2f ms\n", what, at(ms, 0.5), at(ms, 0.99));
}

void compare(Bench& bench, const std::string& mode, int rounds) {
    std::vector<double> ours, theirs;
    for (int round = -2; round < rounds; ++round) {
        const std::string name = bench.next_segment().name;
        const std::string source = bench.data + "/pg_wal/" + name;
        double first = 0;
        double second = 0;
        if (mode == "plain") {
            const auto plain = [&] {
                return run_ms({bench.yardstick, "copy", source, bench.directory + "/yardstick", name});
            };
            if (round % 2 == 0) second = plain();
            first = run_ms(bench.push_command(name));
            if (round % 2 != 0) second = plain();
        } else {
            // One source, two pushes: between them the spool forgets the first.
            const std::array<test::Forbidden, 2> rules{nothing, test::no_clone};
            for (int step = 0; step < 2; ++step) {
                const bool without = (step + round) % 2 != 0;
                const double ms = run_ms(bench.push_command(name), {rules[without ? 1 : 0]});
                (without ? second : first) = ms;
                fs::remove(SpoolPaths(bench.spool).segment(test::sysid, name));
            }
        }
        bench.tidy(name);
        if (round < 0) continue;  // warming up
        ours.push_back(first);
        theirs.push_back(second);
    }
    print(mode == "plain" ? "walferry-archive-push" : "push with cloning", ours);
    print(mode == "plain" ? "F: plain durable copy" : "push without cloning", theirs);
    std::printf("ratio of the medians %.2f   (bar: at most %.2f)\n", at(ours, 0.5) / at(theirs, 0.5),
                mode == "plain" ? 0.85 : 0.45);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 6) return 2;
    Bench bench(argv);
    compare(bench, argv[1], std::atoi(argv[5]));
    std::printf("resident at most %ld KiB   (bar: 6144)\n", bench.resident_kib());
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "push-bench: %s\n", error.what());
    return 1;
}
