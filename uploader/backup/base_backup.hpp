#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/codec/backup_label.hpp"
#include "server/server_connection.hpp"

namespace walferry::backup {

/// How a base backup is asked for.
struct BaseBackupOptions {
    std::string label;               // for the server's backup_label and log
    bool fast_checkpoint = true;     // else spread over the time that the server's settings say
    std::uint64_t max_rate_kib = 0;  // a second; 0: as fast as it goes
    bool verify_checksums = true;    // where the cluster has them
    bool tablespace_links = false;   // in the data directory's tar, instead of a tablespace_map
    std::chrono::seconds checkpoint_limit{1800};
};

/// Where in the WAL something is.
struct WalPosition {
    std::uint64_t lsn = 0;
    std::uint32_t timeline = 0;
};

/// BASE_BACKUP as PostgreSQL 15 and later speak it (PostgreSQL: protocol.sgml, "Streaming Replication
/// Protocol"): one COPY that carries the tar of each tablespace, then the manifest. The server does not wait
/// for its archiver at the end, because it would do so for ever.
class BaseBackup {
  public:
    struct Archive {  // what follows is the tar of:
        std::string stream;
    };
    struct Manifest {};  // what follows is backup_manifest
    struct Data {
        server::CopyData message;
        Bytes bytes() const noexcept { return message.bytes().subspan(1); }
    };
    struct Progress {
        std::uint64_t bytes;  // the server's count
    };
    using Message = std::variant<Archive, Manifest, Data, Progress>;

    /// Begins it; throws what the server says.
    BaseBackup(server::ServerConnection& server, const BaseBackupOptions& options);

    const WalPosition& start() const noexcept { return start_; }
    const std::vector<BackupLabel::Tablespace>& tablespaces() const noexcept { return tablespaces_; }
    /// The server's estimate.
    std::uint64_t estimated_size() const noexcept { return estimated_size_; }

    /// nullopt after the last one; then stop() is known.
    std::optional<Message> next();
    const WalPosition& stop() const noexcept { return stop_; }

  private:
    void read_tablespaces();

    server::ServerConnection& server_;
    WalPosition start_, stop_;
    std::vector<BackupLabel::Tablespace> tablespaces_;
    std::uint64_t estimated_size_ = 0;
};

/// The command. Pure.
std::string base_backup_command(const BaseBackupOptions& options);

/// Which stream an archive's name ("base.tar", "16384.tar") stands for; nullopt for anything else.
std::optional<std::string> stream_of_archive(std::string_view name);

/// Throws config for a server that does not speak this form. `version` as in server_version_num.
void require_supported_server(int version);

/// "15.14" of 150014.
std::string server_version_text(int version);

}  // namespace walferry::backup
