#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/bytes.hpp"
#include "common/spool/segment_source.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::push {

/// The source's bytes, piece by piece. They are looked at where the kernel keeps them, because copying them
/// out first costs as much as fingerprinting; they are read where the filesystem cannot map files. Little is
/// mapped at a time: what is mapped counts as this process's memory.
class Pieces {
  public:
    explicit Pieces(const SegmentSource& source);
    ~Pieces();
    Pieces(const Pieces&) = delete;
    Pieces& operator=(const Pieces&) = delete;

    /// The next piece, valid until the call after; empty at the end of the file as it was when it was opened.
    Bytes next();

    /// Adds the piece to the fingerprint. Throws io when the source was cut short meanwhile, or cannot be
    /// read.
    void fingerprint(Bytes piece, Fingerprint& fingerprint) const;

  private:
    void unmap(std::uint64_t end) noexcept;

    const SegmentSource& source_;
    std::uint64_t at_ = 0;
    std::byte* mapped_ = nullptr;
    std::uint64_t unmapped_ = 0;  // up to here nothing is mapped any more
    std::unique_ptr<std::byte[]> buffer_;
};

}  // namespace walferry::push
