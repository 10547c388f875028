#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "tests/fuzz/fuzz.hpp"

namespace {

// Keys and nonces are the same for an input whenever it is run, or a finding could not be repeated.
std::uint32_t state = 0;

std::uint32_t next_random() {
    state = state * 1664525 + 1013904223;
    return state >> 8 ^ state << 11;
}

void fill(void* out, std::size_t size) {
    auto* bytes = static_cast<unsigned char*>(out);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(next_random() >> 8);
}

const char* name() {
    return "counter";
}

randombytes_implementation repeatable{&name, &next_random, nullptr, nullptr, &fill, nullptr};

int write_seeds(const std::string& directory) {
    int number = 0;
    for (const std::string& seed : walferry::fuzz::seeds()) {
        std::ofstream file(directory + "/seed-" + std::to_string(number++),
                           std::ios::binary | std::ios::trunc);
        file << seed;
        if (!file.flush()) {
            std::fprintf(stderr, "cannot write into %s\n", directory.c_str());
            return 1;
        }
    }
    return 0;
}

}  // namespace

/// `TARGET --seeds DIRECTORY` writes the seeds there; anything else is libFuzzer's.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    randombytes_set_implementation(&repeatable);
    if (*argc == 3 && std::string_view((*argv)[1]) == "--seeds") std::exit(write_seeds((*argv)[2]));
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    state = 0;
    walferry::fuzz::check(std::as_bytes(std::span(data, size)));
    return 0;
}
