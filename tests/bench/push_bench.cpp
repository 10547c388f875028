// push-bench plain PUSH YARDSTICK DIRECTORY ROUNDS   push against the plain durable copy, interleaved
// push-bench beside PUSH YARDSTICK DIRECTORY ROUNDS  the same; what is spooled stays, for a drain to take
// push-bench clone PUSH YARDSTICK DIRECTORY ROUNDS   push with cloning against the same push without
// push-bench row PUSH YARDSTICK DIRECTORY ROUNDS     so many pushes of 1 MiB in a row, without a drain
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

#include "common/ledger/ledger.hpp"
#include "common/os/os.hpp"
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
    // Names of its own for each run: the ledger of a folder remembers those of earlier ones.
    unsigned number = static_cast<unsigned>(::getpid()) % 50000 * 4096;

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

    test::WalFile next_segment(std::uint32_t size = 16 << 20) {
        test::WalFile file;
        file.segment_size = size;
        const auto a_log_file = static_cast<std::uint32_t>((std::uint64_t{1} << 32) / size);
        std::array<char, 32> name{};
        ++number;
        std::snprintf(name.data(), name.size(), "00000001%08X%08X", number / a_log_file, number % a_log_file);
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
    void tidy(const std::string& name, bool spooled = true) const {
        fs::remove(data + "/pg_wal/" + name);
        fs::remove(directory + "/yardstick/" + name);
        if (spooled) fs::remove(SpoolPaths(spool).segment(test::sysid, name));
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
    std::printf("%-44s median %7.2f ms   p99 %7.2f ms\n", what, at(ms, 0.5), at(ms, 0.99));
}

void print_bar(const char* what, double value, double bar) {
    std::printf("%-44s %7.2f   bar %g   %s\n", what, value, bar, value <= bar ? "met" : "missed");
}

void compare(Bench& bench, const std::string& mode, int rounds) {
    std::vector<double> ours, theirs;
    for (int round = -2; round < rounds; ++round) {
        const std::string name = bench.next_segment().name;
        const std::string source = bench.data + "/pg_wal/" + name;
        double first = 0;
        double second = 0;
        if (mode != "clone") {
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
        bench.tidy(name, mode != "beside");
        if (round < 0) continue;  // warming up
        ours.push_back(first);
        theirs.push_back(second);
    }
    print(mode == "clone" ? "push with cloning" : "walferry-archive-push", ours);
    print(mode == "clone" ? "push without cloning" : "F: plain durable copy", theirs);
    print_bar("ratio of the medians", at(ours, 0.5) / at(theirs, 0.5), mode == "clone" ? 0.45 : 0.85);
}

/// A server that archives and a drain that does not come: the spool and the ledger grow.
void in_a_row(Bench& bench, int rounds) {
    std::vector<double> all;
    for (int round = 0; round < rounds; ++round) {
        const std::string name = bench.next_segment(1 << 20).name;
        all.push_back(run_ms(bench.push_command(name)));
        bench.tidy(name, false);
    }
    const std::ptrdiff_t some = std::min(100, rounds / 2);
    const std::vector<double> first(all.begin(), all.begin() + some);
    const std::vector<double> last(all.end() - some, all.end());
    print("the first hundred", first);
    print("the last hundred", last);
    print("all of them", all);
    print_bar("last / first, medians", at(last, 0.5) / at(first, 0.5), 1.1);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 6) return 2;
    Bench bench(argv);
    const std::string mode = argv[1];
    if (mode == "row") {
        in_a_row(bench, std::atoi(argv[5]));
    } else {
        compare(bench, mode, std::atoi(argv[5]));
    }
    print_bar("resident, MiB", static_cast<double>(bench.resident_kib()) / 1024, 6);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "push-bench: %s\n", error.what());
    return 1;
}
