#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/codec/digest.hpp"
#include "common/sink.hpp"

namespace walferry {

/// The most a segment can be (wal_segment_size goes up to 1 GiB); no other file of the archive is larger.
inline constexpr std::uint64_t max_segment_size = std::uint64_t{1} << 30;

/// Reads what an object holds inside its encryption: one zstd data frame whose content goes to `next`, then
/// the envelope's frame; skippable frames of other magics are passed over, as zstd does. Throws integrity for
/// anything else: a frame cut short, a second one of either kind, trailing bytes, a frame without content
/// size, more content than a segment can have, a window above 128 MiB, an envelope above 132 KiB.
class ZstdReader : public Sink {
  public:
    explicit ZstdReader(Sink& next);
    ~ZstdReader() override;
    void write(Bytes bytes) override;
    /// Throws integrity unless both frames are complete. Does not finish `next`: that is for whoever has
    /// checked the envelope.
    void finish() override;

    /// Valid after finish().
    const std::string& envelope() const noexcept { return envelope_; }
    const std::array<std::byte, 32>& frame_sha256() const noexcept { return frame_sha256_; }

  private:
    enum class State { frame_start, data, envelope, skipped };
    struct Context;

    Bytes frame_start(Bytes bytes);
    void begin_skippable(std::uint32_t magic);
    bool begin_data();
    Bytes data(Bytes bytes);
    Bytes envelope(Bytes bytes);
    Bytes skipped(Bytes bytes);

    Sink& next_;
    std::unique_ptr<Context> context_;
    std::vector<std::byte> out_;
    State state_ = State::frame_start;
    std::vector<std::byte> start_;  // of the frame that begins
    std::uint64_t skip_ = 0;        // of a skippable frame's content, still to come
    Sha256 frame_hash_;
    std::array<std::byte, 32> frame_sha256_{};
    bool have_data_ = false;
    bool have_envelope_ = false;
    std::string envelope_;
};

}  // namespace walferry
