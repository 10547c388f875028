// recall RESULTS LABEL NAMES DEST THINK_MS COMMAND...
// Calls a restore_command for every file that NAMES lists, as recovery does: one after the other, %f the name
// and %p DEST, each time without a file at DEST before and with one afterwards, which is removed; THINK_MS
// passes between two calls. RESULTS takes a line for each call, and one for their sum as "LABEL, all" (see
// measure.py).
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Cost {
    double seconds = 0;
    double cores = 0;
};

double in_seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

Cost call(const std::vector<std::string>& command, const std::string& name, const std::string& destination) {
    std::vector<std::string> words = command;
    std::vector<char*> argv;
    for (std::string& word : words) {
        if (word == "%f") word = name;
        if (word == "%p") word = destination;
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const auto begun = std::chrono::steady_clock::now();
    const pid_t child = ::vfork();
    if (child == 0) {
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    if (child < 0 || ::wait4(child, &status, 0, &usage) != child || status != 0)
        throw std::runtime_error(name + ": ended with status " + std::to_string(status));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    struct stat found {};
    if (::stat(destination.c_str(), &found) != 0 || found.st_size < (1 << 20) ||
        ::unlink(destination.c_str()) != 0)
        throw std::runtime_error(name + " did not come");
    return {seconds.count(), in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime)};
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 7) return 2;
    std::ofstream results(argv[1], std::ios::app);
    if (!results) throw std::runtime_error(std::string("cannot write ") + argv[1]);
    const std::string label = argv[2];
    std::ifstream names(argv[3]);
    const std::string destination = argv[4];
    const std::chrono::milliseconds think(std::atoi(argv[5]));
    const std::vector<std::string> command(argv + 6, argv + argc);
    Cost sum;
    std::string name;
    for (bool first = true; std::getline(names, name); first = false) {
        if (!first) std::this_thread::sleep_for(think);
        const Cost cost = call(command, name, destination);
        results << label << '\t' << cost.seconds << '\t' << cost.cores << "\t0\n";
        sum.seconds += cost.seconds;
        sum.cores += cost.cores;
    }
    results << label << ", all\t" << sum.seconds << '\t' << sum.cores << "\t0\n";
    return results.flush() ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "recall: %s\n", error.what());
    return 1;
}
