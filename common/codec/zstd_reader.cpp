#include "common/codec/zstd_reader.hpp"

#include <zstd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "common/codec/envelope.hpp"
#include "common/codec/zstd_writer.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

constexpr std::size_t magic_size = 4;
constexpr std::size_t skippable_header = 8;
constexpr std::size_t longest_data_header = 18;
// What zstd's own tool accepts without being asked to; memory is bounded by it.
constexpr int max_window_log = 27;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(ErrorKind::integrity, "the compressed data is not valid: " + why);
}

std::uint32_t little_endian(Bytes bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(bytes[i]) << 8 * i;
    return value;
}

}  // namespace

struct ZstdReader::Context {
    ZSTD_DCtx* zstd = ZSTD_createDCtx();
    ~Context() { ZSTD_freeDCtx(zstd); }
};

ZstdReader::ZstdReader(Sink& next)
    : next_(next), context_(std::make_unique<Context>()), out_(ZSTD_DStreamOutSize()) {
    if (context_->zstd == nullptr) throw std::bad_alloc();
    if (ZSTD_isError(ZSTD_DCtx_setParameter(context_->zstd, ZSTD_d_windowLogMax, max_window_log)) != 0) {
        throw Error(ErrorKind::internal, "cannot set up zstd");
    }
}

ZstdReader::~ZstdReader() = default;

void ZstdReader::write(Bytes bytes) {
    while (!bytes.empty()) {
        switch (state_) {
            case State::frame_start:
                bytes = frame_start(bytes);
                break;
            case State::data:
                bytes = data(bytes);
                break;
            case State::envelope:
                bytes = envelope(bytes);
                break;
            case State::skipped:
                bytes = skipped(bytes);
                break;
        }
    }
}

void ZstdReader::finish() {
    if (state_ != State::frame_start || !start_.empty()) refuse("it is cut short");
    if (!have_data_) refuse("there is none");
    if (!have_envelope_) refuse("the envelope is missing");
}

/// Collects just enough of a frame to know its kind and size.
Bytes ZstdReader::frame_start(Bytes bytes) {
    start_.push_back(bytes.front());
    bytes = bytes.subspan(1);
    if (start_.size() < magic_size) return bytes;

    const std::uint32_t magic = little_endian(start_);
    if (magic == ZSTD_MAGICNUMBER) {
        if (have_data_) refuse("there is a second frame of data");
        if (begin_data()) {
            const std::vector<std::byte> header = std::exchange(start_, {});
            state_ = State::data;
            if (!data(header).empty()) refuse("a frame ends within its header");
        }
    } else if ((magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
        if (start_.size() == skippable_header) begin_skippable(magic);
    } else {
        refuse(have_data_ ? "something follows it" : "it does not start as zstd does");
    }
    return bytes;
}

/// False while more of the header is needed.
bool ZstdReader::begin_data() {
    const unsigned long long size = ZSTD_getFrameContentSize(start_.data(), start_.size());
    if (size == ZSTD_CONTENTSIZE_ERROR && start_.size() < longest_data_header) return false;
    if (size == ZSTD_CONTENTSIZE_ERROR) refuse("its header makes no sense");
    if (size == ZSTD_CONTENTSIZE_UNKNOWN) refuse("it does not say its size");
    if (size > max_segment_size) refuse("it claims to hold more than a segment can");
    return true;
}

void ZstdReader::begin_skippable(std::uint32_t magic) {
    skip_ = little_endian(Bytes(start_).subspan(magic_size));
    start_.clear();
    state_ = State::skipped;
    if (magic == envelope_magic) {
        if (!have_data_) refuse("the envelope stands before it");
        if (have_envelope_) refuse("there is a second envelope");
        if (skip_ == 0 || skip_ > max_envelope_size) refuse("the envelope is empty or larger than 132 KiB");
        have_envelope_ = true;
        state_ = State::envelope;
    } else if (skip_ == 0) {
        state_ = State::frame_start;
    }
}

Bytes ZstdReader::data(Bytes bytes) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool complete = false;
    bool full = true;
    while (!complete && (in.pos < in.size || full)) {
        ZSTD_outBuffer out{out_.data(), out_.size(), 0};
        const std::size_t left = ZSTD_decompressStream(context_->zstd, &out, &in);
        if (ZSTD_isError(left) != 0) refuse(ZSTD_getErrorName(left));
        if (out.pos > 0) next_.write(Bytes(out_).first(out.pos));
        complete = left == 0;
        full = out.pos == out.size;
    }
    frame_hash_.update(bytes.first(in.pos));
    if (complete) {
        frame_sha256_ = frame_hash_.finish();
        have_data_ = true;
        state_ = State::frame_start;
    }
    return bytes.subspan(in.pos);
}

Bytes ZstdReader::envelope(Bytes bytes) {
    const std::size_t take = std::min<std::uint64_t>(bytes.size(), skip_);
    envelope_ += as_text(bytes.first(take));
    return skipped(bytes);
}

Bytes ZstdReader::skipped(Bytes bytes) {
    const std::size_t take = std::min<std::uint64_t>(bytes.size(), skip_);
    skip_ -= take;
    if (skip_ == 0) state_ = State::frame_start;
    return bytes.subspan(take);
}

}  // namespace walferry
