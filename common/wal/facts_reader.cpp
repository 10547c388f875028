#include "common/wal/facts_reader.hpp"

#include <algorithm>
#include <bit>

#include "common/wal/record_data.hpp"
#include "common/wal/wal_header.hpp"

namespace walferry {
namespace {

constexpr std::size_t short_header = 24, long_header = 40, smallest_page = 4096, largest_page = 65536;
constexpr std::uint16_t first_is_rest = 0x0001, has_long_header = 0x0002, overwrites = 0x0008;
constexpr int oldest_version = 15, newest_version = 18;

std::uint8_t octet(Bytes bytes, std::size_t at) {
    return std::to_integer<std::uint8_t>(bytes[at]);
}

std::uint64_t aligned(std::uint64_t size) {
    return (size + 7) & ~std::uint64_t{7};
}

bool is_switch(Bytes record) {
    return octet(record, 17) == 0 && (octet(record, 16) & 0xF0) == 0x40;
}

bool is_of_interest(Bytes record) {
    return RecordFacts::of_interest(octet(record, 17), octet(record, 16));
}

/// Of a record whose beginning may already be kept.
bool is_full_page_so_far(Bytes kept, Bytes more) {
    const Bytes header = kept.empty() ? more : kept;
    return header.size() >= record_header_size &&
           RecordFacts::is_full_page(octet(header, 17), octet(header, 16));
}

}  // namespace

FactsReader::FactsReader() = default;

void FactsReader::write(Bytes bytes) {
    while (!bytes.empty() && (state_ == State::header || state_ == State::pages)) {
        const std::size_t wanted = state_ == State::header ? long_header : block_size_;
        if (held_.empty() && bytes.size() >= wanted) {
            if (state_ == State::header) {
                if (!begin(bytes)) return;
                continue;
            }
            page(bytes.first(wanted));
            bytes = bytes.subspan(wanted);
            continue;
        }
        const std::size_t part = std::min(bytes.size(), wanted - held_.size());
        held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
        bytes = bytes.subspan(part);
        if (held_.size() < wanted) return;
        if (state_ == State::header) {
            if (!begin(held_)) return;
        } else {
            page(held_);
            held_.clear();
        }
    }
}

bool FactsReader::begin(Bytes start) {
    state_ = State::not_wal;
    const auto header = WalHeader::parse(start);
    if (!header || (header->info & has_long_header) == 0) return false;
    const auto version = pg_version(header->magic);
    if (!version || *version < oldest_version || *version > newest_version) return false;
    const std::size_t block = header->block_size;
    const std::uint64_t size = header->segment_size;
    if (!std::has_single_bit(block) || block < smallest_page || block > largest_page) return false;
    if (!std::has_single_bit(size) || size < min_segment_size || size > max_segment_size) return false;
    if (header->page_address % size != 0) return false;
    block_size_ = block;
    magic_ = header->magic;
    expected_ = header->page_address;
    end_ = expected_ + size;
    reached_ = expected_;
    facts_.pg_version = *version;
    facts_.begin = expected_;
    facts_.end = end_;
    facts_.timeline = header->timeline;
    collected_ = std::make_unique<RecordFacts>(facts_);
    state_ = State::pages;
    return true;
}

void FactsReader::damaged() {
    facts_.complete = false;
    state_ = State::ended;
}

void FactsReader::page(Bytes page) {
    const auto magic = wal_number<std::uint16_t>(page, 0);
    const auto flags = wal_number<std::uint16_t>(page, 2);
    const auto address = wal_number<std::uint64_t>(page, 8);
    if (expected_ == end_) return damaged();  // longer than its header says
    // Behind the last record of a segment that was not filled: zeroes, or a page of the file's earlier life.
    if (magic != magic_ || address != expected_ ||
        ((flags & has_long_header) != 0) != (address == facts_.begin)) {
        if (magic != 0 && address >= expected_) facts_.complete = false;
        state_ = State::ended;
        return;
    }
    expected_ += block_size_;
    facts_.timeline = wal_number<std::uint32_t>(page, 4);
    const std::uint64_t rest = wal_number<std::uint32_t>(page, 16);
    std::uint64_t at = (flags & has_long_header) != 0 ? long_header : short_header;
    if ((flags & first_is_rest) != 0) {
        if (address == facts_.begin) {
            cut_ = Cut::head;
            length_ = rest;
            had_ = 0;
        }
        if (cut_ == Cut::none || rest == 0 || length_ - had_ != rest) return damaged();
        const std::uint64_t part = std::min<std::uint64_t>(rest, page.size() - at);
        go_on(page.subspan(at, part));
        if (state_ != State::pages) return;
        at += aligned(part);
        reached_ = address + std::min<std::uint64_t>(at, page.size());
    } else if (cut_ != Cut::none) {
        // The server crashed within that record and went on behind it.
        if ((flags & overwrites) == 0) return damaged();
        cut_ = Cut::none;
        record_.clear();
        previous_ = 0;
    }
    records(page, at, address);
}

void FactsReader::records(Bytes page, std::size_t at, std::uint64_t address) {
    while (at + 8 <= page.size()) {
        const auto length = wal_number<std::uint32_t>(page, at);
        if (length == 0) {
            state_ = State::ended;  // a .partial file ends like this
            return;
        }
        if (length < record_header_size) return damaged();
        const std::size_t there = page.size() - at;
        if (length > there) {
            reached_ = address + page.size();
            return begin_cut(page.subspan(at), address + at, length);
        }
        const Bytes whole = page.subspan(at, length);
        const auto before = wal_number<std::uint64_t>(whole, 8);
        if (previous_ != 0 && before != previous_) return damaged();
        const bool of_interest = is_of_interest(whole);
        if (of_interest && !checksum_fits(whole)) return damaged();
        facts_.last_record = previous_ = address + at;
        collected_->saw(wal_number<std::uint32_t>(whole, 4), previous_);
        if (of_interest) collected_->record(whole, previous_);
        at += aligned(length);
        reached_ = address + std::min<std::uint64_t>(at, page.size());
        if (is_switch(whole)) {
            state_ = State::ended;
            reached_ = end_;
            break;
        }
    }
}

void FactsReader::begin_cut(Bytes bytes, std::uint64_t lsn, std::uint32_t length) {
    cut_lsn_ = lsn;
    length_ = length;
    had_ = 0;
    record_.clear();
    checksum_ = {};
    cut_ = Cut::kept;
    go_on(bytes);
}

/// More of a record that began on an earlier page.
void FactsReader::go_on(Bytes bytes) {
    had_ += bytes.size();
    if (cut_ == Cut::head || cut_ == Cut::kept) {
        const std::size_t limit = cut_ == Cut::kept && is_full_page_so_far(record_, bytes)
                                      ? RecordFacts::first_of_full_page
                                      : most_carried;
        const std::size_t room = limit - std::min(record_.size(), limit);
        const Bytes kept = bytes.first(std::min(room, bytes.size()));
        record_.insert(record_.end(), kept.begin(), kept.end());
        if (cut_ == Cut::kept && record_.size() >= record_header_size) {
            const Bytes header = record_;
            if (previous_ != 0 && wal_number<std::uint64_t>(header, 8) != previous_) return damaged();
            if (!is_of_interest(header) && !is_switch(header)) cut_ = Cut::passed_over;
        }
        if (cut_ == Cut::kept) checksum_.add(bytes);
    }
    if (had_ < length_) return;
    if (cut_ == Cut::head) {
        facts_.head = WalHead{static_cast<std::uint32_t>(length_), std::move(record_)};
    } else {
        const Bytes record = record_;
        if (cut_ == Cut::kept && !checksum_.fits()) {
            reached_ = cut_lsn_;
            return damaged();
        }
        previous_ = cut_lsn_;
        facts_.last_record = previous_;
        collected_->saw(wal_number<std::uint32_t>(record, 4), previous_);
        if (is_switch(record)) {
            state_ = State::ended;
            reached_ = end_;
        }
        if (cut_ == Cut::kept && is_of_interest(record)) {
            // What decides stands at its beginning.
            const bool full_page = RecordFacts::is_full_page(octet(record, 17), octet(record, 16));
            if (record.size() < length_ && !full_page) facts_.complete = false;
            collected_->record(record, previous_);
        }
    }
    record_ = {};
    cut_ = Cut::none;
}

std::optional<WalFacts> FactsReader::finish() {
    if (state_ == State::header || state_ == State::not_wal) return std::nullopt;
    if (state_ == State::pages && expected_ != end_) facts_.complete = false;  // cut short
    if (cut_ == Cut::head) {
        facts_.head = WalHead{static_cast<std::uint32_t>(length_), std::move(record_)};
        if (expected_ != end_) facts_.complete = false;
    } else if (cut_ == Cut::kept && expected_ == end_ && state_ == State::pages) {
        // A page of a relation is not carried: that it goes on is all that matters.
        const Bytes record = record_;
        if (is_full_page_so_far(record, {}) && record.size() >= RecordFacts::first_of_full_page)
            collected_->record(record, cut_lsn_);
        else
            facts_.tail = WalTail{cut_lsn_, static_cast<std::uint32_t>(length_), std::move(record_)};
    }
    collected_->finish();
    return std::move(facts_);
}

}  // namespace walferry
