#include "tests/fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace walferry::fuzz {

void must(bool holds, const char* sentence) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", sentence);
    std::abort();
}

std::size_t Choices::number(std::size_t bytes) noexcept {
    std::size_t value = 0;
    for (const std::byte b : take(bytes)) value = value << 8 | std::to_integer<std::size_t>(b);
    return value;
}

Bytes Choices::take(std::size_t size) noexcept {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

void Collector::write(Bytes bytes) {
    must(!finished_, "nothing is written after finish()");
    if (bytes.size() > limit_ - text_.size()) throw Error(ErrorKind::no_space, "the collector is full");
    text_ += as_text(bytes);
}

void Collector::finish() {
    must(!finished_, "a sink is finished once");
    finished_ = true;
}

namespace {

/// Small steps find what depends on single bytes, wide ones get past chunks of 64 KiB. Zero is a piece too.
std::size_t step_size(std::byte choice) {
    const auto value = std::to_integer<std::size_t>(choice);
    return value < 200 ? value : (value - 199) * 1999;
}

}  // namespace

void feed(Sink& sink, Bytes bytes, Bytes splits) {
    for (const std::byte choice : splits) {
        const Bytes piece = bytes.first(std::min(bytes.size(), step_size(choice)));
        sink.write(piece);
        bytes = bytes.subspan(piece.size());
    }
    sink.write(bytes);
    sink.finish();
}

MemoryFile::MemoryFile(Bytes content, unsigned mode)
    : fd_(::memfd_create("fuzz", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
    const auto written = ::write(fd_, content.data(), content.size());
    must(fd_ >= 0 && ::fchmod(fd_, mode) == 0 && written == static_cast<ssize_t>(content.size()),
         "the host has memory for a file");
}

MemoryFile::~MemoryFile() {
    ::close(fd_);
}

}  // namespace walferry::fuzz
