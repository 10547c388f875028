#pragma once
#include <algorithm>
#include <functional>
#include <string>

#include "common/codec/segment_codec.hpp"
#include "common/sink.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry::test {

/// The end of a chain: keeps what came.
struct StringSink : Sink {
    std::string text;
    bool finished = false;
    void write(Bytes bytes) override { text += as_text(bytes); }
    void finish() override { finished = true; }
};

/// Reads `text` in pieces of at most `step` bytes.
inline std::function<std::size_t(MutableBytes)> reader_of(std::string text, std::size_t step = 1 << 20) {
    return [text = std::move(text), at = std::size_t{0}, step](MutableBytes out) mutable {
        const std::size_t take = std::min({out.size(), step, text.size() - at});
        std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), take,
                    reinterpret_cast<char*>(out.data()));
        at += take;
        return take;
    };
}

/// Feeds a chain in pieces of `step` bytes and finishes it.
inline void feed(Sink& sink, std::string_view text, std::size_t step = 100'000) {
    for (std::size_t at = 0; at < text.size(); at += step) sink.write(as_bytes(text.substr(at, step)));
    sink.finish();
}

inline std::string fingerprint_of(std::string_view text) {
    Fingerprint fingerprint;
    fingerprint.update(as_bytes(text));
    return fingerprint.digits();
}

/// Reproducible bytes that do not compress.
inline std::string noise(std::size_t size, std::uint32_t seed = 1) {
    std::string text(size, '\0');
    for (char& c : text) {
        seed = seed * 1664525 + 1013904223;
        c = static_cast<char>(seed >> 24);
    }
    return text;
}

/// As the drain would fill it in.
inline Envelope envelope_for(std::string_view content) {
    Envelope envelope;
    envelope.system_identifier = 7301234567890123456;
    envelope.name = "000000010000000000000042";
    envelope.size = content.size();
    envelope.fingerprint = fingerprint_of(content);
    envelope.pg_version = 15;
    envelope.segment_size = 16 * 1024 * 1024;
    envelope.spooled_at = "2026-01-31T09:05:07.123Z";
    return envelope;
}

}  // namespace walferry::test
