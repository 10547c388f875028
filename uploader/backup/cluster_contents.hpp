#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/server_connection.hpp"

namespace walferry::backup {

/// What a cluster consists of, by its catalogs.
struct ClusterContents {
    struct Database {
        std::uint32_t oid = 0;
        std::uint32_t tablespace = 0;  // where its directory is
        std::string name;
    };
    std::vector<Database> databases;
    std::map<std::uint32_t, std::string> tablespaces;  // OID to name, without pg_default and pg_global
    bool in_place = false;  // a tablespace lies in the data directory itself, without a link
};

ClusterContents ask_contents(server::ServerConnection& server);

/// What was there before a backup and after it. What was created or dropped meanwhile is the WAL's to bring.
ClusterContents in_both(const ClusterContents& before, const ClusterContents& after);

/// What came in a base backup, as far as it is compared with what should have come.
class ReceivedContents {
  public:
    /// `wanted`: files below the data directory to look for beside the usual ones.
    explicit ReceivedContents(std::set<std::string> wanted = {}) : wanted_(std::move(wanted)) {}

    /// An entry of the tar of this stream.
    void seen(const std::string& stream, const std::string& name, char type);
    /// What the server says while it sends. False where it leaves nothing out by that.
    bool heard(const server::ServerNotice& notice);

    /// By its path below the data directory; one in a tablespace as "pg_tblspc/OID/...".
    bool has(const std::string& file) const { return files_.contains(file); }
    const std::set<std::string>& files() const noexcept { return files_; }
    const std::set<std::string>& directories() const noexcept { return directories_; }  // pg_tblspc/OID
    const std::vector<std::string>& skipped() const noexcept { return skipped_; }
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  private:
    std::set<std::string> wanted_, files_, directories_;
    std::vector<std::string> skipped_, warnings_;
};

/// What a base backup should hold.
struct ExpectedContents {
    ClusterContents cluster;
    std::set<std::uint32_t> streamed_tablespaces;  // that came as tars of their own
    // Paths below the data directory:
    std::vector<std::string> configuration;  // files that the server reads
    std::set<std::string> elsewhere;         // files that the backup holds in another way
    std::string log_directory;               // empty: it lies outside
};

/// A line for each thing of the cluster that the backup lacks. Pure.
std::vector<std::string> what_is_missing(const ReceivedContents& received, const ExpectedContents& expected);

/// The path below the data directory that the server says it skips, whatever its language. Pure.
std::optional<std::string> skipped_path(const server::ServerNotice& notice);

}  // namespace walferry::backup
