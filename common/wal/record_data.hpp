#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "common/bytes.hpp"
#include "common/wal/crc32c.hpp"

namespace walferry {

/// A number of a WAL record, which has the server's byte order; walferry runs on little-endian hosts.
template <typename T>
T wal_number(Bytes bytes, std::size_t at) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

constexpr std::size_t record_header_size = 24;

/// A record's data in order; reading behind its end gives zeroes and is remembered.
class RecordData {
  public:
    explicit RecordData(Bytes bytes) : rest_(bytes) {}
    template <typename T>
    T take() {
        if (!has(sizeof(T))) return {};
        const T value = wal_number<T>(rest_, 0);
        rest_ = rest_.subspan(sizeof(T));
        return value;
    }
    Bytes take(std::uint64_t size);
    std::string text() const;
    Bytes last(std::size_t size) const { return rest_.last(size); }
    std::size_t left() const noexcept { return rest_.size(); }
    bool failed() const noexcept { return failed_; }

  private:
    bool has(std::uint64_t size);

    Bytes rest_;
    bool failed_ = false;
};

/// Behind a block's id: flags, sizes, what its image says, whose block it is. The number of its file; 0: that
/// of the block before.
std::uint32_t take_block_header(RecordData& in);

/// A record's own data, which it ends with, found by walking the headers behind its first one.
std::optional<Bytes> main_data(Bytes record);

/// The checksum of a record that comes in pieces: what follows its header, and then the header up to the
/// checksum itself (access/xloginsert.c).
class RecordChecksum {
  public:
    void add(Bytes bytes);
    /// Once all of the record was added.
    bool fits() const;

  private:
    std::byte header_[record_header_size] = {};
    std::size_t had_ = 0;  // of the header
    Crc32c body_;
};

/// The same of a record that is there whole.
bool checksum_fits(Bytes record);

}  // namespace walferry
