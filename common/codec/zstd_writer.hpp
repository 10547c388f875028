#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "common/bytes.hpp"
#include "common/sink.hpp"

namespace walferry {

/// Compresses into zstd frames with content size and checksum, one begin() … finish() each; keeps its memory
/// in between. finish() ends the frame and leaves `next` open, because the envelope follows.
class ZstdWriter : public Sink {
  public:
    explicit ZstdWriter(int level);
    ~ZstdWriter() override;

    /// Starts a frame of exactly `content_size` bytes; drops one that was not finished.
    void begin(std::uint64_t content_size, Sink& next);
    void write(Bytes bytes) override;
    /// Throws integrity when fewer or more bytes came than announced.
    void finish() override;

  private:
    struct Context;
    bool step(Bytes& bytes, bool last);

    std::unique_ptr<Context> context_;
    std::vector<std::byte> out_;
    Sink* next_ = nullptr;
    std::uint64_t missing_ = 0;
};

/// A skippable frame: what `zstd -d` passes over.
inline constexpr std::uint32_t envelope_magic = 0x184D2A50;
void write_skippable_frame(std::uint32_t magic, Bytes content, Sink& next);

}  // namespace walferry
