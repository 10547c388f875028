#include "common/wal/record_data.hpp"

#include <algorithm>
#include <span>

namespace walferry {
namespace {

constexpr std::size_t checksum_at = 20;

bool fits_header(Crc32c body, Bytes header) {
    body.update(header.first(checksum_at));
    return body.value() == wal_number<std::uint32_t>(header, checksum_at);
}

}  // namespace

Bytes RecordData::take(std::uint64_t size) {
    if (!has(size)) return {};
    const Bytes taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

std::string RecordData::text() const {
    const std::string_view all = as_text(rest_);
    return std::string(all.substr(0, all.find('\0')));
}

bool RecordData::has(std::uint64_t size) {
    if (size <= rest_.size()) return true;
    failed_ = true;
    rest_ = {};
    return false;
}

std::uint32_t take_block_header(RecordData& in) {
    constexpr unsigned has_image = 0x10, same_relation = 0x80, has_hole = 0x01, compressed = 0x1c;
    const auto flags = in.take<std::uint8_t>();
    in.take<std::uint16_t>();  // length of its data
    if ((flags & has_image) != 0) {
        in.take<std::uint16_t>();  // length of the image
        in.take<std::uint16_t>();  // where the hole is
        const auto image = in.take<std::uint8_t>();
        if ((image & has_hole) != 0 && (image & compressed) != 0) in.take<std::uint16_t>();
    }
    std::uint32_t file = 0;
    if ((flags & same_relation) == 0) {
        in.take<std::uint64_t>();  // tablespace and database
        file = in.take<std::uint32_t>();
    }
    in.take<std::uint32_t>();  // block number
    return file;
}

std::optional<Bytes> main_data(Bytes record) {
    constexpr unsigned data_short = 255, data_long = 254, origin = 253, toplevel_xid = 252, most_blocks = 32;
    RecordData in(record.subspan(record_header_size));
    while (!in.failed()) {
        const auto id = in.take<std::uint8_t>();
        if (id == data_short || id == data_long) {
            const std::uint32_t size = id == data_short ? in.take<std::uint8_t>() : in.take<std::uint32_t>();
            if (in.failed() || size > in.left()) return std::nullopt;
            return in.last(size);
        }
        if (id == origin) {
            in.take<std::uint16_t>();
        } else if (id == toplevel_xid) {
            in.take<std::uint32_t>();
        } else if (id <= most_blocks) {
            take_block_header(in);
        } else {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

void RecordChecksum::add(Bytes bytes) {
    const std::size_t part = std::min(bytes.size(), record_header_size - had_);
    std::copy_n(bytes.begin(), part, header_ + had_);
    had_ += part;
    if (bytes.size() > part) body_.update(bytes.subspan(part));
}

bool RecordChecksum::fits() const {
    return had_ == record_header_size && fits_header(body_, Bytes(header_));
}

bool checksum_fits(Bytes record) {
    if (record.size() < record_header_size) return false;
    Crc32c body;
    body.update(record.subspan(record_header_size));
    return fits_header(body, record.first(record_header_size));
}

}  // namespace walferry
