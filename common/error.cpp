#include "common/error.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/printable.hpp"

namespace walferry {
namespace {

constexpr std::array table{
    ErrorTraits{ErrorKind::internal, "internal", 1, false},
    ErrorTraits{ErrorKind::io, "io", 1, false},
    ErrorTraits{ErrorKind::no_space, "no-space", 1, false},
    ErrorTraits{ErrorKind::usage, "usage", 2, false},
    ErrorTraits{ErrorKind::config, "config", 2, false},
    ErrorTraits{ErrorKind::no_spool, "no-spool", 2, false},
    ErrorTraits{ErrorKind::refused, "refused", 3, false},
    ErrorTraits{ErrorKind::conflict, "conflict", 3, false},
    ErrorTraits{ErrorKind::integrity, "integrity", 3, false},
    ErrorTraits{ErrorKind::ledger, "ledger", 1, false},
    ErrorTraits{ErrorKind::ledger_corrupt, "ledger-corrupt", 1, false},
    ErrorTraits{ErrorKind::locked, "locked", 5, false},
    ErrorTraits{ErrorKind::incomplete, "incomplete", 4, false},
    ErrorTraits{ErrorKind::interrupted, "interrupted", 4, false},
    ErrorTraits{ErrorKind::server, "server", 1, false},
    ErrorTraits{ErrorKind::unreachable, "unreachable", 1, true},
    ErrorTraits{ErrorKind::untrusted, "untrusted", 1, false},
    ErrorTraits{ErrorKind::throttled, "throttled", 1, true},
    ErrorTraits{ErrorKind::server_error, "server-error", 1, true},
    ErrorTraits{ErrorKind::denied, "denied", 1, false},
    ErrorTraits{ErrorKind::no_bucket, "no-bucket", 1, false},
    ErrorTraits{ErrorKind::not_found, "not-found", 1, false},
    ErrorTraits{ErrorKind::clock_skew, "clock-skew", 1, false},
    ErrorTraits{ErrorKind::rejected, "rejected", 1, false},
};

}  // namespace

const ErrorTraits& traits(ErrorKind kind) noexcept {
    for (const ErrorTraits& row : table) {
        if (row.kind == kind) return row;
    }
    return table.front();
}

Error::Error(ErrorKind kind, std::string message, std::string hint)
    : kind_(kind), message_(std::move(message)), hint_(std::move(hint)) {
    line_ = one_line(hint_.empty() ? message_ : message_ + "; hint: " + hint_);
}

void throw_errno(int err, const std::string& doing, std::string hint) {
    const bool full = err == ENOSPC || err == EDQUOT || err == EFBIG;
    Error error(full ? ErrorKind::no_space : ErrorKind::io, "cannot " + doing + ": " + std::strerror(err),
                std::move(hint));
    error.os_error = err;
    throw error;
}

std::string one_line(std::string_view text) {
    std::string line;
    line.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = printable_length(text);
        if (length == 0) {
            const bool ascii = static_cast<unsigned char>(text.front()) < 0x80;
            line += ascii ? ' ' : '?';
            text.remove_prefix(1);
        } else {
            line += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return line;
}

}  // namespace walferry
