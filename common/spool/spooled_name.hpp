#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/wal/wal_name.hpp"

namespace walferry {

/// A file's name below ready/SYSID/. The first content that waits there under a WAL file's name has that
/// name, another one NAME-FINGERPRINT: hosts that archive the end of a timeline which was left may hold
/// different bytes behind the fork, and archive_command must not stop at them.
struct SpooledName {
    WalName name;
    std::string fingerprint;  // 32 lower-case hex digits; empty for the first content

    std::string text() const;
    static std::optional<SpooledName> parse(std::string_view text);
};

}  // namespace walferry
