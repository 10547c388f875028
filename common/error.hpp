#pragma once
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

/// What went wrong, in the terms a caller or an administrator acts on. One table (error.cpp) gives each kind
/// its name, its exit code, whom it concerns and what helps.
enum class ErrorKind {
    internal,        // a defect of ours, or memory ran out
    io,              // a local file or device refused
    no_space,        // full disk, full spool, full quota
    usage,           // the command line
    config,          // the configuration file, or a file it names
    no_spool,        // no spool where one was expected
    refused,         // a file is not what its name says
    conflict,        // one name, two contents
    integrity,       // bytes do not hash to what they must
    ledger,          // the ledger is busy, unknown or out of reach
    ledger_corrupt,  // the ledger is damaged, or no ledger at all: `walferry rebuild`
    locked,          // another process holds the lock
    incomplete,      // something is still pending
    interrupted,     // asked to stop
    server,          // the PostgreSQL server refused, failed or went away
    unreachable,     // no answer from a store: DNS, connect, TLS, silence, a broken connection
    untrusted,       // a store's TLS certificate does not prove that it is the store
    throttled,       // a store said: slower
    server_error,    // a store said: my fault, retry
    denied,          // a store rejected our keys or rights
    no_bucket,       // the bucket (or the directory of a directory store) is missing
    not_found,       // the object is missing
    clock_skew,      // a store finds our clock wrong
    rejected,        // a store rejected the request for good
};

/// Whom an error concerns, and with that what else can still be done.
enum class Scope {
    work,    // what was being done; the next file may go through
    object,  // one object of a store that answers: the store works
    store,   // a store as a whole: its next object would meet the same
    ledger,  // the ledger, so every upload
    host,    // this host: its configuration, its spool, its server
};

/// What helps.
enum class Cure {
    retry,   // the same request may succeed a moment later
    wait,    // it may pass by itself: a full disk, a busy ledger, memory that ran out
    person,  // an administrator has to change something
};

struct ErrorTraits {
    ErrorKind kind;
    std::string_view name;
    int exit_code;  // of walferry (common/exit_code.hpp); push has a table of its own (archive-push/)
    Scope scope;
    Cure cure;

    bool retryable() const noexcept { return cure == Cure::retry; }
};

const ErrorTraits& traits(ErrorKind kind) noexcept;

/// Thrown when an operation cannot go on. Outcomes that a caller branches on are return values instead.
class Error : public std::exception {
  public:
    /// message: what failed, where and why, lower case, without a full stop. hint: what to do, may be empty.
    Error(ErrorKind kind, std::string message, std::string hint = {});

    ErrorKind kind() const noexcept { return kind_; }
    const std::string& message() const noexcept { return message_; }
    const std::string& hint() const noexcept { return hint_; }
    /// Message and hint on one line, control characters made harmless.
    const char* what() const noexcept override { return line_.c_str(); }

    /// Set by a store that named a time to wait (Retry-After).
    std::optional<std::chrono::milliseconds> retry_after;
    /// The errno behind it, set by throw_errno(); 0 where there is none.
    int os_error = 0;
    /// What a store calls it ("NoSuchBucket"); empty where it gives it no name.
    std::string code;

  private:
    ErrorKind kind_;
    std::string message_;
    std::string hint_;
    std::string line_;
};

/// Throws io, or no_space for ENOSPC, EDQUOT and EFBIG: "cannot DOING: strerror(err)".
[[noreturn]] void throw_errno(int err, const std::string& doing, std::string hint = {});

/// text with every control character (and an invalid byte) replaced, so that it stays on one line of a log.
std::string one_line(std::string_view text);

}  // namespace walferry
