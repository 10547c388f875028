#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace walferry {

/// Modes of what a spool is made of; set explicitly, whatever the umask (docs/architecture.md: "The spool is
/// the queue").
namespace spool_mode {
inline constexpr mode_t root = 02750;
inline constexpr mode_t shared_directory = 02770;  // ready, ready/SYSID, tmp, ledger
inline constexpr mode_t segment = 0640;
inline constexpr mode_t ledger = 0660;
}  // namespace spool_mode

/// Where the spool is unless somebody says otherwise.
inline constexpr const char* usual_spool = "/var/spool/walferry/main";

/// The one place where paths inside a spool are built.
struct SpoolPaths {
    std::string root;  // as given; no trailing slash

    explicit SpoolPaths(std::string directory);

    std::string ready() const { return root + "/ready"; }
    std::string ready(std::uint64_t system_identifier) const;
    std::string segment(std::uint64_t system_identifier, std::string_view name) const;
    std::string tmp() const { return root + "/tmp"; }
    std::string ledger_directory() const { return root + "/ledger"; }
    std::string ledger() const { return root + "/ledger/ledger.db"; }
};

}  // namespace walferry
