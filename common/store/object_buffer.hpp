#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/os/fd.hpp"
#include "common/sink.hpp"
#include "common/store/body.hpp"

namespace walferry {

/// Blocks of memory that go from one encoding to the next, so that a long run neither grows nor pays for
/// fresh pages. Thread-safe; must outlive what it gave out.
class BlockPool {
  public:
    static constexpr std::size_t block_size = std::size_t{1} << 20;
    using Block = std::unique_ptr<std::byte[]>;

    Block take();
    void give_back(std::vector<Block> blocks) noexcept;
    /// Frees all but `keep` blocks.
    void trim(std::size_t keep) noexcept;

  private:
    std::mutex mutex_;
    std::vector<Block> free_;
};

/// Takes an object while it is encoded, then serves it to every store: in memory up to memory_limit, beyond
/// that in an unnamed file in work_dir, which vanishes with the process.
class ObjectBuffer : public Sink, public Body {
  public:
    static constexpr std::size_t memory_limit = std::size_t{32} << 20;

    ObjectBuffer(BlockPool& pool, std::string work_dir);
    /// Stays in memory, however large it becomes.
    explicit ObjectBuffer(BlockPool& pool);
    ~ObjectBuffer() override;

    void write(Bytes bytes) override;
    void finish() override {}

    std::uint64_t size() const noexcept override { return size_; }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override;

  private:
    void spill();

    BlockPool& pool_;
    std::string work_dir_;  // empty: never leaves memory
    std::vector<BlockPool::Block> blocks_;
    std::uint64_t size_ = 0;
    Fd file_;
};

}  // namespace walferry
