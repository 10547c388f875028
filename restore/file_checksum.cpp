#include "restore/file_checksum.hpp"

#include <isa-l.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.hpp"

namespace walferry::restore {
namespace {

struct Row {
    ChecksumAlgorithm algorithm;
    std::string_view name;
    std::size_t size;
    const EVP_MD* (*digest)();
};

constexpr std::array table{Row{ChecksumAlgorithm::none, "NONE", 0, nullptr},
                           Row{ChecksumAlgorithm::crc32c, "CRC32C", 4, nullptr},
                           Row{ChecksumAlgorithm::sha224, "SHA224", 28, EVP_sha224},
                           Row{ChecksumAlgorithm::sha256, "SHA256", 32, EVP_sha256},
                           Row{ChecksumAlgorithm::sha384, "SHA384", 48, EVP_sha384},
                           Row{ChecksumAlgorithm::sha512, "SHA512", 64, EVP_sha512}};

const Row& row_of(ChecksumAlgorithm algorithm) noexcept {
    return *std::find_if(table.begin(), table.end(),
                         [&](const Row& row) { return row.algorithm == algorithm; });
}

bool same_letters(std::string_view upper, std::string_view text) noexcept {
    return std::equal(upper.begin(), upper.end(), text.begin(), text.end(), [](char a, char b) {
        return a == (b >= 'a' && b <= 'z' ? static_cast<char>(b - 'a' + 'A') : b);
    });
}

void check(int ok) {
    if (ok != 1) throw Error(ErrorKind::internal, "OpenSSL cannot compute a checksum");
}

}  // namespace

std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) {
    for (const Row& row : table) {
        if (same_letters(row.name, name)) return row.algorithm;
    }
    return std::nullopt;
}

std::size_t checksum_size(ChecksumAlgorithm algorithm) noexcept {
    return row_of(algorithm).size;
}

struct FileChecksum::State {
    ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
    std::uint32_t crc = 0xffffffff;
    EVP_MD_CTX* context = nullptr;

    ~State() { EVP_MD_CTX_free(context); }
};

FileChecksum::FileChecksum(ChecksumAlgorithm algorithm) : state_(std::make_unique<State>()) {
    state_->algorithm = algorithm;
    if (row_of(algorithm).digest == nullptr) return;
    state_->context = EVP_MD_CTX_new();
    check(state_->context != nullptr ? 1 : 0);
    check(EVP_DigestInit_ex(state_->context, row_of(algorithm).digest(), nullptr));
}
FileChecksum::~FileChecksum() = default;
FileChecksum::FileChecksum(FileChecksum&&) noexcept = default;
FileChecksum& FileChecksum::operator=(FileChecksum&&) noexcept = default;

void FileChecksum::update(Bytes bytes) {
    if (state_->context != nullptr) check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
    if (state_->algorithm != ChecksumAlgorithm::crc32c) return;
    while (!bytes.empty()) {
        const std::size_t part = std::min(bytes.size(), std::size_t{1} << 30);  // the length is an int
        // It only reads, whatever its declaration says.
        auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
        state_->crc = crc32_iscsi(data, static_cast<int>(part), state_->crc);
        bytes = bytes.subspan(part);
    }
}

std::string FileChecksum::digits() {
    std::array<std::byte, 64> bytes{};
    const std::size_t size = checksum_size(state_->algorithm);
    if (state_->context != nullptr)
        check(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(bytes.data()), nullptr));
    if (state_->algorithm == ChecksumAlgorithm::crc32c) {
        // PostgreSQL writes the number as it lies in memory, lowest byte first.
        const std::uint32_t crc = ~state_->crc;
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(crc >> (8 * i));
    }
    return hex(Bytes(bytes).first(size));
}

}  // namespace walferry::restore
