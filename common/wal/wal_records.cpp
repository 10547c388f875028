#include "common/wal/wal_records.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/wal/wal_header.hpp"

namespace walferry {
namespace {

constexpr std::size_t kept_of_a_record = 1024;  // what is asked for comes first in it
constexpr std::size_t record_header = 24;
constexpr std::uint16_t first_is_continuation = 0x0001, has_long_header = 0x0002, overwrites = 0x0008;
constexpr int oldest_version = 14, newest_version = 18;

template <typename T>
T number(Bytes bytes, std::size_t at) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

std::size_t aligned(std::size_t size) {
    return (size + 7) & ~std::size_t{7};
}

/// The record's own data, which comes after its headers where it has no blocks. nullopt where it has.
std::optional<Bytes> main_data(Bytes record) {
    constexpr unsigned data_short = 255, data_long = 254, origin = 253, toplevel_xid = 252;
    for (std::size_t at = record_header; at < record.size();) {
        switch (std::to_integer<unsigned>(record[at])) {
            case data_short:
                return at + 2 <= record.size() ? std::optional(record.subspan(at + 2)) : std::nullopt;
            case data_long:
                return at + 5 <= record.size() ? std::optional(record.subspan(at + 5)) : std::nullopt;
            case origin:
                at += 3;
                break;
            case toplevel_xid:
                at += 5;
                break;
            default:
                return std::nullopt;
        }
    }
    return std::nullopt;
}

WalRecord read_record(Bytes bytes, std::uint64_t lsn) {
    constexpr unsigned xlog = 0, transaction = 1, standby = 8;
    WalRecord record;
    record.lsn = lsn;
    const auto info = std::to_integer<unsigned>(bytes[16]);
    const auto manager = std::to_integer<unsigned>(bytes[17]);
    const auto data = main_data(bytes);
    if (!data) return record;
    const unsigned operation = info & 0x70;
    // Commit, abort, and both of a prepared transaction; not the preparation (0x10).
    if (manager == transaction && data->size() >= 8 &&
        (operation == 0x00 || operation == 0x20 || operation == 0x30 || operation == 0x40)) {
        record.kind = WalRecord::Kind::transaction_end;
        record.xid = operation <= 0x20 ? number<std::uint32_t>(bytes, 4) : 0;
        record.time = number<std::int64_t>(*data, 0);
    } else if (manager == xlog && (info & 0xf0) == 0x70 && data->size() >= 72) {
        record.kind = WalRecord::Kind::restore_point;
        record.time = number<std::int64_t>(*data, 0);
        const std::string_view name = as_text(data->subspan(8, 64));
        record.name = name.substr(0, name.find('\0'));
    } else if (manager == standby && (info & 0xf0) == 0x10 && data->size() >= 20) {
        record.kind = WalRecord::Kind::running_transactions;
        record.oldest_xid = number<std::uint32_t>(*data, 16);
    }
    return record;
}

bool is_known(std::uint16_t magic) {
    const auto version = pg_version(magic);
    return version && *version >= oldest_version && *version <= newest_version;
}

}  // namespace

bool WalRecords::segment(Bytes bytes) {
    constexpr std::size_t long_header = 40;
    if (bytes.size() < long_header || (number<std::uint16_t>(bytes, 2) & has_long_header) == 0) return false;
    const std::size_t page_size = number<std::uint32_t>(bytes, 36);
    if (page_size < 1024 || page_size > 65536 || bytes.size() % page_size != 0) return false;
    for (std::size_t at = 0; at < bytes.size(); at += page_size) {
        const Bytes here = bytes.subspan(at, page_size);
        // Behind a switch of segments there may be nothing at all.
        if (number<std::uint16_t>(here, 0) == 0 && at > 0 && length_ == 0) break;
        if (!page(here)) return false;
    }
    return true;
}

bool WalRecords::page(Bytes page) {
    if (!is_known(number<std::uint16_t>(page, 0))) return false;
    const auto flags = number<std::uint16_t>(page, 2);
    const auto address = number<std::uint64_t>(page, 8);
    const std::size_t rest = number<std::uint32_t>(page, 16);
    std::size_t at = (flags & has_long_header) != 0 ? 40 : 24;
    if ((flags & first_is_continuation) != 0) {
        if (first_ && length_ == 0) {
            skipping_ = true;
            length_ = rest;
            had_ = 0;
        }
        if (length_ - had_ != rest) return false;
        const std::size_t part = std::min(rest, page.size() - at);
        add(page.subspan(at, part));
        at += aligned(part);
    } else if (length_ != 0) {
        if ((flags & overwrites) == 0) return false;
        length_ = 0;  // the server crashed within that record
        skipping_ = false;
    }
    first_ = false;
    while (at + 8 <= page.size()) {
        const auto length = number<std::uint32_t>(page, at);
        if (length == 0) return true;
        if (length < record_header || length_ != 0) return false;
        const std::size_t part = std::min<std::size_t>(length, page.size() - at);
        begin_record(page.subspan(at, part), address + at, length);
        at += aligned(part);
    }
    return true;
}

void WalRecords::begin_record(Bytes bytes, std::uint64_t lsn, std::uint32_t length) {
    record_.clear();
    lsn_ = lsn;
    length_ = length;
    had_ = 0;
    add(bytes);
}

void WalRecords::add(Bytes bytes) {
    had_ += bytes.size();
    const std::size_t room = kept_of_a_record - std::min(record_.size(), kept_of_a_record);
    const Bytes kept = bytes.first(std::min(room, bytes.size()));
    record_.insert(record_.end(), kept.begin(), kept.end());
    if (had_ == length_) end_record();
}

void WalRecords::end_record() {
    if (!skipping_) visit_(read_record(record_, lsn_));
    skipping_ = false;
    length_ = 0;
    record_.clear();
}

}  // namespace walferry
