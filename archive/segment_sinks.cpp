#include "archive/segment_sinks.hpp"

#include <algorithm>
#include <array>

namespace walferry::archive {

void MarkedSink::write(Bytes bytes) {
    try {
        next_->write(bytes);
    } catch (const Error& error) {
        throw SinkFailure{error};
    }
}

void MarkedSink::finish() {
    try {
        next_->finish();
    } catch (const Error& error) {
        throw SinkFailure{error};
    }
}

void ZeroedFrom::write(Bytes bytes) {
    static constexpr std::array<std::byte, 16 * 1024> zeroes{};
    const std::size_t kept = static_cast<std::size_t>(std::min<std::uint64_t>(keep_, bytes.size()));
    if (kept > 0) next_->write(bytes.first(kept));
    keep_ -= kept;
    for (std::size_t left = bytes.size() - kept; left > 0;) {
        const std::size_t n = std::min(left, zeroes.size());
        next_->write(Bytes(zeroes).first(n));
        left -= n;
    }
}

}  // namespace walferry::archive
