#include "common/codec/envelope_tail.hpp"

#include <algorithm>
#include <array>

#include "common/codec/age/age_header.hpp"
#include "common/codec/age/age_stream.hpp"
#include "common/codec/age/secret_key.hpp"
#include "common/codec/zstd_writer.hpp"
#include "common/error.hpp"

namespace walferry {
namespace {

using Part = std::function<std::vector<std::byte>(std::uint64_t, std::uint64_t)>;

constexpr std::uint64_t sealed_chunk = age_chunk + age_tag;
constexpr std::uint64_t usual_header = 4096;
constexpr std::size_t frame_header = 8;

std::vector<std::byte> exactly(const Part& part, std::uint64_t offset, std::uint64_t length) {
    auto bytes = part(offset, length);
    if (bytes.size() != length)
        throw Error(ErrorKind::server_error, "the store sent another number of bytes than it was asked for");
    return bytes;
}

/// The frame that the text ends with; most often the text begins far before it.
std::optional<std::string_view> last_envelope(std::string_view text) {
    const std::array<char, 4> magic{'\x50', '\x2a', '\x4d', '\x18'};
    const std::string_view wanted(magic.data(), magic.size());
    for (std::size_t at = text.rfind(wanted); at != std::string_view::npos; at = text.rfind(wanted, at - 1)) {
        const std::string_view frame = text.substr(at);
        std::uint64_t size = 0;
        for (std::size_t i = 0; frame.size() >= frame_header && i < 4; ++i)
            size |= std::uint64_t{static_cast<unsigned char>(frame[4 + i])} << 8 * i;
        if (size > 0 && size == frame.size() - std::min(frame.size(), frame_header))
            return frame.substr(frame_header);
        if (at == 0) break;
    }
    return std::nullopt;
}

class AgeParts {
  public:
    AgeParts(std::uint64_t object_size, const std::vector<AgeIdentity>& identities, const Part& part)
        : part_(part) {
        std::string start = text(exactly(part, 0, std::min(object_size, usual_header)));
        if (!find_age_header_end(start, 0) && object_size > usual_header)
            start = text(exactly(part, 0, std::min<std::uint64_t>(object_size, max_age_header)));
        const auto end = find_age_header_end(start, 0);
        const AgeHeader header =
            parse_age_header(std::string_view(start).substr(0, end.value_or(start.size())));
        Wiped<16> file_key;
        unwrap_age_header(header, identities, file_key.fill());
        begin_ = *end + age_payload_nonce;
        if (object_size < begin_ + age_tag)
            throw AgeError(AgeFailure::payload, "the encrypted data is cut short or damaged");
        const auto nonce = exactly(part, *end, age_payload_nonce);
        opener_.emplace(file_key.bytes(), nonce);
        end_ = object_size;
        chunks_ = (end_ - begin_ + sealed_chunk - 1) / sealed_chunk;
    }

    std::uint64_t chunks() const noexcept { return chunks_; }

    /// The last `count` chunks, opened.
    std::string last(std::uint64_t count) {
        const std::uint64_t first = chunks_ - std::min(count, chunks_);
        const std::uint64_t offset = begin_ + first * sealed_chunk;
        const auto sealed = exactly(part_, offset, end_ - offset);
        std::string plain;
        for (std::uint64_t i = first; i < chunks_; ++i) {
            const Bytes rest = Bytes(sealed).subspan(static_cast<std::size_t>((i - first) * sealed_chunk));
            const auto chunk = opener_->open(i, i + 1 == chunks_,
                                             rest.first(std::min<std::size_t>(rest.size(), sealed_chunk)));
            plain += as_text(chunk);
        }
        return plain;
    }

  private:
    static std::string text(const std::vector<std::byte>& bytes) { return std::string(as_text(bytes)); }

    const Part& part_;
    std::optional<AgeChunkOpener> opener_;
    std::uint64_t begin_ = 0, end_ = 0, chunks_ = 0;
};

Envelope checked(std::string_view text, const DecodeOptions& options) {
    Envelope envelope = parse_envelope(text);
    check_signature(envelope, options.trusted_writers);
    return envelope;
}

}  // namespace

std::optional<Envelope> read_envelope(std::uint64_t object_size, const DecodeOptions& options,
                                      const Part& part) {
    constexpr std::uint64_t most = max_envelope_size + frame_header;
    if (options.identities.empty()) {
        for (const std::uint64_t wanted : {std::uint64_t{16} << 10, most}) {
            const std::uint64_t size = std::min(object_size, wanted);
            if (size == 0) return std::nullopt;
            const auto bytes = exactly(part, object_size - size, size);
            if (const auto text = last_envelope(as_text(bytes))) return checked(*text, options);
        }
        return std::nullopt;
    }
    AgeParts age(object_size, options.identities, part);
    // Two chunks hold nearly every envelope, wherever the border lies; four hold the longest.
    for (const std::uint64_t count : {std::uint64_t{2}, std::uint64_t{4}}) {
        const std::string plain = age.last(count);
        if (const auto text = last_envelope(plain)) return checked(*text, options);
        if (count >= age.chunks()) break;
    }
    return std::nullopt;
}

}  // namespace walferry
