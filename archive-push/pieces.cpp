#include "archive-push/pieces.hpp"

#include <sys/mman.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/os/bus_error.hpp"
#include "common/os/os.hpp"

namespace walferry::push {
namespace {

constexpr std::uint64_t piece_size = std::uint64_t{512} * 1024;

[[noreturn]] void cannot_read(const SegmentSource& source) {
    throw Error(ErrorKind::io, source.path() + " was cut short while it was read, or its disk fails",
                "PostgreSQL will retry; if this comes again, look at the kernel's log");
}

}  // namespace

Pieces::Pieces(const SegmentSource& source) : source_(source) {
    if (source.size() == 0) return;
    void* memory = ::mmap(nullptr, source.size(), PROT_READ, MAP_SHARED, source.fd(), 0);
    if (memory != MAP_FAILED) {
        mapped_ = static_cast<std::byte*>(memory);
        (void)::madvise(memory, source.size(), MADV_SEQUENTIAL);
    } else {
        buffer_ = std::make_unique_for_overwrite<std::byte[]>(piece_size);
    }
}

Pieces::~Pieces() {
    unmap(source_.size());
}

Bytes Pieces::next() {
    const auto size = static_cast<std::size_t>(std::min(piece_size, source_.size() - at_));
    if (size == 0) return {};
    const std::uint64_t begin = at_;
    at_ += size;
    if (mapped_ != nullptr) {
        unmap(begin);
        return {mapped_ + begin, size};
    }
    if (os::read_at(source_.fd(), {buffer_.get(), size}, begin, source_.path()) < size) cannot_read(source_);
    return {buffer_.get(), size};
}

void Pieces::unmap(std::uint64_t end) noexcept {
    if (mapped_ == nullptr || end == unmapped_) return;
    (void)::munmap(mapped_ + unmapped_, end - unmapped_);
    unmapped_ = end;
}

void Pieces::fingerprint(Bytes piece, Fingerprint& fingerprint) const {
    struct Context {
        Bytes piece;
        Fingerprint& fingerprint;
    } context{piece, fingerprint};
    const bool survived = os::survives_bus_error(
        [](void* given) {
            const auto& [bytes, into] = *static_cast<Context*>(given);
            into.update(bytes);
        },
        &context);
    if (!survived) cannot_read(source_);
}

}  // namespace walferry::push
