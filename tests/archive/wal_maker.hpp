#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "common/wal/crc32c.hpp"

namespace walferry::test {

/// WAL as a server writes it: records across pages and segments.
class WalMaker {
  public:
    explicit WalMaker(std::uint64_t start, std::size_t page = 8192, std::size_t segment = 4 * 8192)
        : page_size_(page), segment_size_(segment), at_(start) {}

    std::uint16_t magic = 0xD110;  // PostgreSQL 15
    std::uint64_t system_identifier = 7;

    /// Where the last record ends.
    std::uint64_t end() const noexcept { return at_; }

    std::uint64_t record(unsigned manager, unsigned info, std::uint32_t xid, const std::string& data,
                         const std::string& headers = "") {
        std::string body = headers;
        if (data.size() < 256) {
            body += static_cast<char>(255);
            body += static_cast<char>(data.size());
        } else {
            body += static_cast<char>(254);
            append(body, static_cast<std::uint32_t>(data.size()));
        }
        body += data;
        std::string text;
        append(text, static_cast<std::uint32_t>(24 + body.size()));
        append(text, xid);
        append(text, previous_);
        text += static_cast<char>(info);
        text += static_cast<char>(manager);
        text.append(2, '\0');
        Crc32c crc;
        crc.update(as_bytes(body));
        crc.update(as_bytes(text));
        append(text, crc.value());
        text += body;
        begin_page(0);
        const std::uint64_t lsn = at_;
        previous_ = lsn;
        for (std::size_t done = 0; done < text.size();) {
            if (done > 0) begin_page(static_cast<std::uint32_t>(text.size() - done));
            const std::size_t part = std::min(text.size() - done, page_size_ - at_ % page_size_);
            put(text.substr(done, part));
            done += part;
        }
        put(std::string((8 - text.size() % 8) % 8, '\0'));
        return lsn;
    }

    std::uint64_t commit(std::uint32_t xid, std::int64_t time, unsigned info = 0) {
        std::string data;
        append(data, time);
        return record(1, info, xid, data);
    }

    std::uint64_t restore_point(std::int64_t time, const std::string& name) {
        std::string data;
        append(data, time);
        data += name;
        data.resize(72);
        return record(0, 0x70, 0, data);
    }

    /// Whole segments; what was not written is zero.
    std::vector<std::string> segments() const {
        std::vector<std::string> all;
        for (std::size_t begin = 0; begin < text_.size(); begin += segment_size_) {
            all.push_back(text_.substr(begin, segment_size_));
            all.back().resize(segment_size_);
        }
        return all;
    }

    template <typename T>
    static void append(std::string& text, T value) {
        text.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

  private:
    void begin_page(std::uint32_t rest) {
        if (at_ % page_size_ != 0) return;
        const bool first = at_ % segment_size_ == 0;
        std::string header;
        append(header, magic);
        append(header, static_cast<std::uint16_t>((rest > 0 ? 1 : 0) | (first ? 2 : 0)));
        append(header, std::uint32_t{1});
        append(header, at_);
        append(header, rest);
        append(header, std::uint32_t{0});
        if (first) {
            append(header, system_identifier);
            append(header, static_cast<std::uint32_t>(segment_size_));
            append(header, static_cast<std::uint32_t>(page_size_));
        }
        put(header);
    }
    void put(const std::string& bytes) {
        text_ += bytes;
        at_ += bytes.size();
    }

    const std::size_t page_size_, segment_size_;
    std::uint64_t at_;
    std::uint64_t previous_ = 0;
    std::string text_;
};

}  // namespace walferry::test
