#include "common/spool/spool_content.hpp"

#include <array>
#include <vector>

#include "common/os/os.hpp"
#include "common/wal/fingerprint.hpp"

namespace walferry {

std::string fingerprint_of(int fd, const std::string& shown) {
    Fingerprint fingerprint;
    std::vector<std::byte> buffer(512 * 1024);
    for (std::uint64_t offset = 0;;) {
        const std::size_t n = os::read_at(fd, buffer, offset, shown);
        if (n == 0) return fingerprint.digits();
        fingerprint.update(Bytes(buffer).first(n));
        offset += n;
    }
}

std::optional<WalHeader> header_of(const SpoolFile& file, int fd, const std::string& shown) {
    if (!file.name.has_header()) return std::nullopt;
    std::array<std::byte, WalHeader::bytes> bytes;
    const std::size_t n = os::read_at(fd, bytes, 0, shown);
    return WalHeader::parse(Bytes(bytes).first(n));
}

std::optional<std::string> foreign_content(const SpoolFile& file, int fd, const std::string& shown) {
    if (!file.name.has_header()) {
        if (file.size <= max_headerless_size) return std::nullopt;
        return "it has " + std::to_string(file.size) + " bytes, and such a file a few hundred";
    }
    const auto header = header_of(file, fd, shown);
    if (!header) return "it is too short to have a header";
    return disagreement(*header, file.name, file.size, file.system_identifier);
}

}  // namespace walferry
