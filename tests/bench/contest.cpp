// contest PG_WAL SYSTEM_IDENTIFIER PAGE_MAGIC ROUNDS RESULTS CONTENDERS
// Archives one fresh 16 MiB segment a round with every contender, each in turn the first. A line of
// CONTENDERS is a label, a tab, a file to remove afterwards or "-", a tab, and a command with %p and %f as in
// archive_command. One round of warming up. RESULTS takes one line for each: see measure.py.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "common/os/os.hpp"
#include "tests/wal_file.hpp"

using namespace walferry;
namespace fs = std::filesystem;

namespace {

struct Contender {
    std::string label, leftover;
    std::vector<std::string> words;
};

std::vector<Contender> read_contenders(const char* file) {
    std::ifstream in(file);
    std::vector<Contender> all;
    for (std::string line; std::getline(in, line);) {
        std::istringstream parts(line);
        Contender one;
        std::getline(parts, one.label, '\t');
        std::getline(parts, one.leftover, '\t');
        for (std::string word; parts >> word;) one.words.push_back(word);
        if (one.words.empty()) throw std::runtime_error("no command in: " + line);
        all.push_back(one);
    }
    return all;
}

std::string filled_in(std::string text, const std::string& path, const std::string& name) {
    for (const auto& [mark, value] : {std::pair{"%p", path}, {"%f", name}}) {
        for (std::size_t at = text.find(mark); at != std::string::npos;
             at = text.find(mark, at + value.size()))
            text.replace(at, 2, value);
    }
    return text;
}

/// A line for RESULTS.
std::string run(const Contender& contender, const std::string& path, const std::string& name) {
    std::vector<std::string> words;
    for (const std::string& word : contender.words) words.push_back(filled_in(word, path, name));
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const auto begun = std::chrono::steady_clock::now();
    const pid_t child = ::vfork();
    if (child == 0) {
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    if (child < 0 || ::wait4(child, &status, 0, &usage) != child || status != 0) {
        throw std::runtime_error(contender.label + " failed with status " + std::to_string(status));
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    const auto in_seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    std::ostringstream line;
    line << contender.label << '\t' << seconds.count() << '\t'
         << in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime) << "\t0\n";
    return line.str();
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 7) return 2;
    const std::string pg_wal = argv[1];
    const std::vector<Contender> contenders = read_contenders(argv[6]);
    std::ofstream results(argv[5], std::ios::app);
    const int rounds = std::atoi(argv[4]);
    for (int round = 0; round <= rounds; ++round) {
        test::WalFile file;
        file.segment_size = 16 << 20;
        file.system_identifier = std::strtoull(argv[2], nullptr, 10);
        file.magic = static_cast<std::uint16_t>(std::strtoul(argv[3], nullptr, 16));
        file.seed = static_cast<std::uint64_t>(::getpid()) * 1000003 + static_cast<unsigned>(round);
        std::array<char, 32> name{};
        // Later runs must not meet the names of earlier ones: the process says which log file it is.
        std::snprintf(name.data(), name.size(), "00000001%08X%08X",
                      static_cast<unsigned>(::getpid()) + static_cast<unsigned>(round) / 256,
                      static_cast<unsigned>(round) % 256);
        file.name = name.data();
        const std::string path = file.write(pg_wal);
        os::sync(os::open_at(AT_FDCWD, path, O_RDONLY, 0, path).get(), path);
        const std::string ready = pg_wal + "/archive_status/" + file.name + ".ready";
        std::ofstream(ready).flush();
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            const Contender& contender =
                contenders[(i + static_cast<std::size_t>(round)) % contenders.size()];
            const std::string line = run(contender, path, file.name);
            if (round > 0) results << line;
            if (contender.leftover != "-") fs::remove(filled_in(contender.leftover, path, file.name));
        }
        fs::remove(ready);
        fs::remove(path);
    }
    return results.flush() ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "contest: %s\n", error.what());
    return 1;
}
