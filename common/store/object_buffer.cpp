#include "common/store/object_buffer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/error.hpp"
#include "common/os/os.hpp"

namespace walferry {
namespace {

Fd unnamed_file(const std::string& directory) {
    Fd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) return fd;
    // Not every filesystem has unnamed files; a name that is gone at once does as well.
    std::string name = directory + "/.walferry-XXXXXX";
    fd = Fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd)
        throw_errno(errno, "make a file in work_dir " + directory,
                    "set work_dir to a directory this user can write to");
    ::unlink(name.c_str());
    return fd;
}

}  // namespace

BlockPool::Block BlockPool::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
            Block block = std::move(free_.back());
            free_.pop_back();
            return block;
        }
    }
    return std::make_unique_for_overwrite<std::byte[]>(block_size);
}

void BlockPool::give_back(std::vector<Block> blocks) noexcept {
    const std::lock_guard lock(mutex_);
    try {
        for (Block& block : blocks) free_.push_back(std::move(block));
    } catch (const std::bad_alloc&) {
        // Then they are simply freed.
    }
}

void BlockPool::trim(std::size_t keep) noexcept {
    const std::lock_guard lock(mutex_);
    if (free_.size() > keep) free_.resize(keep);
}

ObjectBuffer::ObjectBuffer(BlockPool& pool, std::string work_dir)
    : pool_(pool), work_dir_(std::move(work_dir)) {}

ObjectBuffer::ObjectBuffer(BlockPool& pool) : pool_(pool) {}

ObjectBuffer::~ObjectBuffer() {
    pool_.give_back(std::move(blocks_));
}

void ObjectBuffer::write(Bytes bytes) {
    if (!file_ && !work_dir_.empty() && size_ + bytes.size() > memory_limit) spill();
    if (file_) {
        os::write_at(file_.get(), bytes, size_, "an encoding in " + work_dir_);
        size_ += bytes.size();
        return;
    }
    while (!bytes.empty()) {
        const std::size_t used = size_ % BlockPool::block_size;
        if (used == 0) blocks_.push_back(pool_.take());
        const std::size_t n = std::min(bytes.size(), BlockPool::block_size - used);
        std::memcpy(blocks_.back().get() + used, bytes.data(), n);
        size_ += n;
        bytes = bytes.subspan(n);
    }
}

void ObjectBuffer::spill() {
    Fd file = unnamed_file(work_dir_);
    std::uint64_t offset = 0;
    for (const BlockPool::Block& block : blocks_) {
        const auto n =
            static_cast<std::size_t>(std::min<std::uint64_t>(BlockPool::block_size, size_ - offset));
        os::write_at(file.get(), Bytes(block.get(), n), offset, "an encoding in " + work_dir_);
        offset += n;
    }
    file_ = std::move(file);
    pool_.give_back(std::exchange(blocks_, {}));
}

std::size_t ObjectBuffer::read_at(std::uint64_t offset, MutableBytes out) const {
    if (offset >= size_) return 0;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    if (file_) return os::read_at(file_.get(), out.first(wanted), offset, "an encoding in " + work_dir_);
    std::size_t done = 0;
    while (done < wanted) {
        const std::uint64_t at = offset + done;
        const auto within = static_cast<std::size_t>(at % BlockPool::block_size);
        const std::size_t n = std::min(wanted - done, BlockPool::block_size - within);
        std::memcpy(out.data() + done,
                    blocks_[static_cast<std::size_t>(at / BlockPool::block_size)].get() + within, n);
        done += n;
    }
    return done;
}

}  // namespace walferry
