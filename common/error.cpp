#include "common/error.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/exit_code.hpp"
#include "common/printable.hpp"

namespace walferry {
namespace {

using Kind = ErrorKind;

constexpr std::array table{
    ErrorTraits{Kind::internal, "internal", exit_code::failed, Scope::work, Cure::wait},
    ErrorTraits{Kind::io, "io", exit_code::failed, Scope::work, Cure::wait},
    ErrorTraits{Kind::no_space, "no-space", exit_code::failed, Scope::store, Cure::wait},
    ErrorTraits{Kind::usage, "usage", exit_code::usage, Scope::host, Cure::person},
    ErrorTraits{Kind::config, "config", exit_code::usage, Scope::host, Cure::person},
    ErrorTraits{Kind::no_spool, "no-spool", exit_code::usage, Scope::host, Cure::person},
    ErrorTraits{Kind::refused, "refused", exit_code::integrity, Scope::work, Cure::wait},
    ErrorTraits{Kind::conflict, "conflict", exit_code::integrity, Scope::object, Cure::person},
    ErrorTraits{Kind::integrity, "integrity", exit_code::integrity, Scope::object, Cure::person},
    ErrorTraits{Kind::ledger, "ledger", exit_code::failed, Scope::ledger, Cure::wait},
    ErrorTraits{Kind::ledger_corrupt, "ledger-corrupt", exit_code::failed, Scope::ledger, Cure::person},
    ErrorTraits{Kind::locked, "locked", exit_code::locked, Scope::host, Cure::wait},
    ErrorTraits{Kind::incomplete, "incomplete", exit_code::incomplete, Scope::work, Cure::wait},
    ErrorTraits{Kind::interrupted, "interrupted", exit_code::incomplete, Scope::work, Cure::wait},
    ErrorTraits{Kind::server, "server", exit_code::failed, Scope::host, Cure::person},
    ErrorTraits{Kind::unreachable, "unreachable", exit_code::failed, Scope::store, Cure::retry},
    ErrorTraits{Kind::untrusted, "untrusted", exit_code::failed, Scope::store, Cure::person},
    ErrorTraits{Kind::throttled, "throttled", exit_code::failed, Scope::store, Cure::retry},
    ErrorTraits{Kind::server_error, "server-error", exit_code::failed, Scope::store, Cure::retry},
    ErrorTraits{Kind::denied, "denied", exit_code::failed, Scope::store, Cure::person},
    ErrorTraits{Kind::no_bucket, "no-bucket", exit_code::failed, Scope::store, Cure::person},
    ErrorTraits{Kind::not_found, "not-found", exit_code::failed, Scope::object, Cure::wait},
    ErrorTraits{Kind::clock_skew, "clock-skew", exit_code::failed, Scope::store, Cure::person},
    ErrorTraits{Kind::rejected, "rejected", exit_code::failed, Scope::object, Cure::person},
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
