#include "uploader/backup/base_backup.hpp"

#include <charconv>
#include <cstring>

#include "common/error.hpp"
#include "common/wal/lsn.hpp"

namespace walferry::backup {
namespace {

// As long as the server reads and sends, something comes many times a second.
constexpr std::chrono::seconds silence_limit{600};
constexpr std::chrono::seconds end_limit{600};

[[noreturn]] void misunderstood(const std::string& what) {
    throw Error(ErrorKind::server, "the PostgreSQL server answered BASE_BACKUP with " + what,
                "is that a PostgreSQL that this version of walferry knows?");
}

WalPosition position(const server::ServerRows& rows) {
    if (rows.size() != 1) misunderstood("no position in the WAL");
    const auto lsn = parse_lsn(rows.text(0, 0));
    const std::string digits = rows.text(0, 1);
    std::uint32_t timeline = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), timeline);
    if (!lsn || timeline == 0) misunderstood("no position in the WAL");
    return {*lsn, timeline};
}

std::string quoted(const std::string& text) {
    std::string literal = "'";
    for (const char c : text) literal += c == '\'' ? std::string("''") : std::string(1, c);
    return literal + "'";
}

/// The two texts of a new archive's message: its name and, for people, its path.
std::string archive_name(Bytes bytes) {
    const std::string_view text = as_text(bytes);
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) misunderstood("an archive without a name");
    return std::string(text.substr(0, end));
}

std::uint64_t big_endian(Bytes bytes) {
    std::uint64_t value = 0;
    for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
}

}  // namespace

std::string base_backup_command(const BaseBackupOptions& options) {
    std::string command = "BASE_BACKUP (LABEL " + quoted(options.label) + ", PROGRESS true, CHECKPOINT " +
                          (options.fast_checkpoint ? "'fast'" : "'spread'") +
                          ", WAIT false, TABLESPACE_MAP " + (options.tablespace_links ? "false" : "true") +
                          ", MANIFEST 'yes'";
    if (options.max_rate_kib > 0) command += ", MAX_RATE " + std::to_string(options.max_rate_kib);
    if (!options.verify_checksums) command += ", VERIFY_CHECKSUMS false";
    return command + ")";
}

std::optional<std::string> stream_of_archive(std::string_view name) {
    if (!name.ends_with(".tar")) return std::nullopt;
    const std::string_view stream = name.substr(0, name.size() - 4);
    const bool digits = stream.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_backup_stream(stream) || (!digits && stream != BackupPart::base_stream)) return std::nullopt;
    return std::string(stream);
}

void require_supported_server(int version) {
    if (version >= 150000) return;
    throw Error(ErrorKind::config,
                "the server is PostgreSQL " + server_version_text(version) +
                    "; walferry makes base backups of PostgreSQL 15 and later",
                "its WAL is archived all the same; for base backups use pg_basebackup until the server is "
                "upgraded");
}

std::string server_version_text(int version) {
    if (version >= 100000) return std::to_string(version / 10000) + "." + std::to_string(version % 10000);
    return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
           std::to_string(version % 100);
}

BaseBackup::BaseBackup(server::ServerConnection& server, const BaseBackupOptions& options) : server_(server) {
    server_.send(base_backup_command(options));
    start_ = position(server_.rows(options.checkpoint_limit));
    read_tablespaces();
    server_.begin_copy(end_limit);
}

void BaseBackup::read_tablespaces() {
    const server::ServerRows rows = server_.rows(end_limit);
    for (int row = 0; row < rows.size(); ++row) {
        const std::string kib = rows.text(row, 2);
        std::uint64_t size = 0;
        std::from_chars(kib.data(), kib.data() + kib.size(), size);
        estimated_size_ += size * 1024;
        if (rows.is_null(row, 0)) continue;  // the data directory
        BackupLabel::Tablespace tablespace;
        const std::string oid = rows.text(row, 0);
        std::from_chars(oid.data(), oid.data() + oid.size(), tablespace.oid);
        tablespace.location = rows.text(row, 1);
        if (!is_backup_stream(oid)) misunderstood("a tablespace called \"" + oid + "\"");
        tablespaces_.push_back(std::move(tablespace));
    }
}

std::optional<BaseBackup::Message> BaseBackup::next() {
    auto message = server_.copy_data(silence_limit);
    if (!message) {
        stop_ = position(server_.rows(end_limit));
        // Only now does it say that pages had wrong checksums.
        server_.finish(end_limit);
        return std::nullopt;
    }
    const Bytes bytes = message->bytes();
    switch (static_cast<char>(bytes[0])) {
        case 'd':
            return Data{std::move(*message)};
        case 'n': {
            const std::string name = archive_name(bytes.subspan(1));
            auto stream = stream_of_archive(name);
            if (!stream) misunderstood("an archive called \"" + name + "\"");
            return Archive{std::move(*stream)};
        }
        case 'm':
            return Manifest{};
        case 'p':
            return Progress{big_endian(bytes.subspan(1))};
        default:
            misunderstood("a message of an unknown type");
    }
}

}  // namespace walferry::backup
