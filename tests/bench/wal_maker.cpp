// wal-maker DIRECTORY SYSTEM_IDENTIFIER COUNT FIRST SEGMENT_MIB pgbench|noise PAGE_MAGIC
// Segments with a valid header, always the same for the same arguments. `noise` does not compress at all;
// `pgbench` has the makings of that program's WAL (small records, here and there an image of a page of
// pgbench_accounts) and the compression ratio that was measured for it: 12 to 13 with zstd -3.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>

#include "common/wal/wal_header.hpp"
#include "tests/wal_file.hpp"

using namespace walferry;

namespace {

constexpr std::size_t page = 8192;

/// Writes pages full of records over a segment's noise; the long header on the first page stays.
class PgbenchWriter {
  public:
    PgbenchWriter(std::string& text, std::uint64_t seed) : text_(text), random_(seed) {}

    void fill() {
        while (at_ < text_.size()) {
            if (random() % 34 == 0) {
                page_image();
            } else {
                record();
            }
        }
    }

  private:
    std::uint32_t random() { return static_cast<std::uint32_t>(random_()); }

    void append(const void* bytes, std::size_t size) {
        const char* from = static_cast<const char*>(bytes);
        while (size > 0 && at_ < text_.size()) {
            if (at_ % page == 0) page_header();
            const std::size_t n = std::min(size, page - at_ % page);
            std::memcpy(text_.data() + at_, from, n);
            at_ += n;
            from += n;
            size -= n;
        }
    }

    void page_header() {
        std::array<char, 24> header{};
        std::memcpy(header.data(), "\x10\xd1\x01\x00\x01\x00\x00\x00", 8);
        std::memcpy(header.data() + 8, &at_, 8);
        std::memcpy(text_.data() + at_, header.data(), header.size());
        at_ += header.size();
    }

    /// Length, transaction, previous position, kind, CRC, then a block reference and a few columns.
    void record() {
        std::array<std::uint32_t, 20> words{};
        if (random() % 4 == 0) ++transaction_;
        words = {80,
                 transaction_,
                 static_cast<std::uint32_t>(at_),
                 0,
                 0x0a40,
                 random(),
                 0x2000,
                 1663,
                 13010,
                 16398,
                 random() % 16394,
                 0x01800000,
                 random() % 61,
                 random() % 5000};
        append(words.data(), words.size() * sizeof words[0]);
    }

    /// Rows as `pgbench -i` makes them: a running number, a branch, a balance, and 84 blanks.
    void page_image() {
        account_ = random() % 10'000'000;
        for (int row = 0; row < 61; ++row) {
            std::array<char, 128> tuple{};
            const std::array<std::uint32_t, 8> head{transaction_, 0, 0, account_ / 61, 4, ++account_, 1, 0};
            std::memcpy(tuple.data(), head.data(), sizeof head);
            std::memset(tuple.data() + sizeof head, ' ', 84);
            append(tuple.data(), tuple.size());
        }
    }

    std::string& text_;
    std::mt19937 random_;
    std::size_t at_ = WalHeader::bytes;
    std::uint32_t transaction_ = 7'000'000;
    std::uint32_t account_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 8) return 2;
    const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
    test::WalFile file;
    file.system_identifier = number(2);
    file.magic = static_cast<std::uint16_t>(std::strtoul(argv[7], nullptr, 16));
    file.segment_size = static_cast<std::uint32_t>(number(5) << 20);
    const std::uint64_t a_log_file = (std::uint64_t{1} << 32) / file.segment_size;
    for (std::uint64_t i = number(4); i < number(4) + number(3); ++i) {
        std::array<char, 32> name{};
        std::snprintf(name.data(), name.size(), "00000001%08X%08X", static_cast<unsigned>(i / a_log_file),
                      static_cast<unsigned>(i % a_log_file));
        file.name = name.data();
        file.seed = i + 1;
        std::string text = file.bytes();
        if (std::strcmp(argv[6], "pgbench") == 0) PgbenchWriter(text, i + 1).fill();
        const std::string path = argv[1] + ("/" + file.name);
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out << text;
        if (!out.flush()) throw std::runtime_error("cannot write " + path);
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "wal-maker: %s\n", error.what());
    return 1;
}
