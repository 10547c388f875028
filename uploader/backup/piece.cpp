#include "uploader/backup/piece.hpp"

#include <algorithm>
#include <cstring>

namespace walferry::backup {

RawPiece::~RawPiece() {
    std::erase(blocks_, nullptr);  // those that were read
    pool_.give_back(std::move(blocks_));
}

Bytes RawPiece::append(Bytes bytes) {
    while (!bytes.empty() && !full()) {
        const auto used = static_cast<std::size_t>(size_ % BlockPool::block_size);
        if (used == 0) blocks_.push_back(pool_.take());
        const std::size_t n = std::min(bytes.size(), BlockPool::block_size - used);
        std::memcpy(blocks_.back().get() + used, bytes.data(), n);
        fingerprint_.update(bytes.first(n));
        size_ += n;
        bytes = bytes.subspan(n);
    }
    return bytes;
}

std::size_t RawPiece::read(MutableBytes out) {
    const auto block = static_cast<std::size_t>(read_ / BlockPool::block_size);
    const auto within = static_cast<std::size_t>(read_ % BlockPool::block_size);
    const auto n = static_cast<std::size_t>(
        std::min<std::uint64_t>({out.size(), BlockPool::block_size - within, size_ - read_}));
    if (n == 0) return 0;
    std::memcpy(out.data(), blocks_[block].get() + within, n);
    read_ += n;
    if (within + n == BlockPool::block_size) {
        std::vector<BlockPool::Block> done;
        done.push_back(std::move(blocks_[block]));
        pool_.give_back(std::move(done));
    }
    return n;
}

}  // namespace walferry::backup
