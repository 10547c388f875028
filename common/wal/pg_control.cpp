#include "common/wal/pg_control.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "common/error.hpp"
#include "common/os/os.hpp"

namespace walferry {
namespace {

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return path == "." || path == ".." ? path + "/.." : ".";
    const std::string last = path.substr(slash + 1);
    if (last == "." || last == "..") return path + "/..";
    const std::size_t end = path.find_last_not_of('/', slash);
    return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

/// Little-endian; 0 for a file that is too short or no regular one, nullopt when there is none to be read.
std::optional<std::uint64_t> read_number(const std::string& control_file, std::uint64_t offset,
                                         std::size_t size) {
    const Fd file(::open(control_file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return std::nullopt;
        throw_errno(errno, "open " + control_file);
    }
    std::array<std::byte, 8> bytes{};
    const MutableBytes wanted = MutableBytes(bytes).first(size);
    if (!S_ISREG(os::status(file.get(), control_file).st_mode) ||
        os::read_at(file.get(), wanted, offset, control_file) != size)
        return 0;
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return value;
}

}  // namespace

std::string control_file_beside(const std::string& wal_file) {
    const std::string data_directory = parent_of(parent_of(wal_file));
    return (data_directory == "/" ? "" : data_directory) + "/global/pg_control";
}

std::optional<std::uint64_t> read_system_identifier(const std::string& control_file) {
    const auto value = read_number(control_file, 0, 8);
    if (value == 0) {
        throw Error(ErrorKind::refused, control_file + " holds no system identifier",
                    "is this a PostgreSQL data directory? pg_controldata tells");
    }
    return value;
}

std::optional<std::uint32_t> read_checkpoint_timeline(const std::string& control_file) {
    constexpr std::uint64_t timeline_offset = 48;
    const auto value = read_number(control_file, timeline_offset, 4);
    if (!value) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

std::optional<std::uint64_t> read_segment_size(const std::string& control_file) {
    // Where it lies differs from version to version, but it comes four numbers behind floatFormat, which is
    // 1234567.0 everywhere (PostgreSQL: catalog/pg_control.h, ControlFileData).
    const Fd file(::open(control_file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    std::array<std::byte, 512> bytes{};
    if (!file) return std::nullopt;
    const std::size_t got = os::read_at(file.get(), bytes, 0, control_file);
    constexpr auto float_format = std::bit_cast<std::uint64_t>(1234567.0);
    for (std::size_t at = 64; at + 24 <= got; at += 8) {
        std::uint64_t found = 0;
        std::memcpy(&found, &bytes[at], sizeof found);
        if (found != float_format) continue;
        std::uint32_t size = 0;
        std::memcpy(&size, &bytes[at + 20], sizeof size);
        const bool possible = std::has_single_bit(size) && size >= 1U << 20 && size <= 1U << 30;
        return possible ? std::optional<std::uint64_t>(size) : std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> find_system_identifier(const std::string& wal_file) {
    const auto here = read_system_identifier("global/pg_control");
    return here ? here : read_system_identifier(control_file_beside(wal_file));
}

std::optional<std::uint64_t> parse_system_identifier(const std::string& text) noexcept {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value == 0) return std::nullopt;
    return value;
}

}  // namespace walferry
