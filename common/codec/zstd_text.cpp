#include "common/codec/zstd_text.hpp"

#include <zstd.h>

#include <utility>

#include "common/clock.hpp"
#include "common/codec/zstd_writer.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

class Text : public Sink {
  public:
    void write(Bytes bytes) override { text.append(as_text(bytes)); }
    void finish() override {}
    std::string text;
};

}  // namespace

std::string compress_text(std::string_view text) {
    Text compressed;
    ZstdWriter writer(ZSTD_defaultCLevel());
    writer.begin(text.size(), compressed);
    writer.write(as_bytes(text));
    writer.finish();
    return std::move(compressed.text);
}

std::string expand_text(Bytes frame, std::size_t most) {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        throw Error(ErrorKind::integrity, "it is no zstd frame that says its size");
    if (size > most)
        throw Error(ErrorKind::integrity, "it is larger than " + format_bytes(most) + " when decompressed");
    if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size())
        throw Error(ErrorKind::integrity, "its zstd frame is cut short, or something follows it");
    std::string text(static_cast<std::size_t>(size), '\0');
    const std::size_t got = ZSTD_decompress(text.data(), text.size(), frame.data(), frame.size());
    if (ZSTD_isError(got) != 0 || got != text.size())
        throw Error(ErrorKind::integrity, "its zstd frame is damaged");
    return text;
}

}  // namespace walferry
