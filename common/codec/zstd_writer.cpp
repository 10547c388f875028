#include "common/codec/zstd_writer.hpp"

#include <zstd.h>

#include <algorithm>
#include <new>

#include "common/error.hpp"

namespace walferry {
namespace {

std::size_t check(std::size_t result) {
    if (ZSTD_isError(result) != 0) {
        throw Error(ErrorKind::internal, std::string("cannot compress: ") + ZSTD_getErrorName(result));
    }
    return result;
}

}  // namespace

struct ZstdWriter::Context {
    ZSTD_CCtx* zstd = ZSTD_createCCtx();
    ~Context() { ZSTD_freeCCtx(zstd); }
};

ZstdWriter::ZstdWriter(int level) : context_(std::make_unique<Context>()), out_(ZSTD_CStreamOutSize()) {
    if (context_->zstd == nullptr) throw std::bad_alloc();
    check(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_compressionLevel, level));
    check(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_contentSizeFlag, 1));
    check(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_checksumFlag, 1));
}

ZstdWriter::~ZstdWriter() = default;

void ZstdWriter::begin(std::uint64_t content_size, Sink& next) {
    check(ZSTD_CCtx_reset(context_->zstd, ZSTD_reset_session_only));
    check(ZSTD_CCtx_setPledgedSrcSize(context_->zstd, content_size));
    next_ = &next;
    missing_ = content_size;
}

void ZstdWriter::write(Bytes bytes) {
    if (bytes.size() > missing_) throw Error(ErrorKind::integrity, "more bytes came than were announced");
    missing_ -= bytes.size();
    while (!bytes.empty()) step(bytes, false);
}

void ZstdWriter::finish() {
    if (missing_ > 0) {
        throw Error(ErrorKind::integrity, std::to_string(missing_) + " bytes less came than were announced");
    }
    Bytes nothing;
    while (!step(nothing, true)) {
    }
}

/// Takes what it can of `bytes` and passes on what comes of it. With `last`: true once the frame is complete.
bool ZstdWriter::step(Bytes& bytes, bool last) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const std::size_t left =
        check(ZSTD_compressStream2(context_->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue));
    bytes = bytes.subspan(in.pos);
    if (out.pos > 0) next_->write(Bytes(out_).first(out.pos));
    return left == 0;
}

void write_skippable_frame(std::uint32_t magic, Bytes content, Sink& next) {
    std::array<std::byte, 8> header{};
    const auto size = static_cast<std::uint32_t>(content.size());
    for (std::size_t i = 0; i < 4; ++i) {
        header[i] = static_cast<std::byte>(magic >> 8 * i & 0xff);
        header[i + 4] = static_cast<std::byte>(size >> 8 * i & 0xff);
    }
    next.write(header);
    next.write(content);
}

}  // namespace walferry
