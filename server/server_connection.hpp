#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.hpp"

struct pg_conn;
struct pg_result;

namespace walferry::server {

/// Rows of an answer.
class ServerRows {
  public:
    explicit ServerRows(pg_result* result) noexcept : result_(result) {}
    ~ServerRows();
    ServerRows(ServerRows&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
    ServerRows& operator=(ServerRows&&) = delete;

    int size() const noexcept;
    int columns() const noexcept;
    bool is_null(int row, int column) const noexcept;
    std::string text(int row, int column) const;  // a null is ""

  private:
    pg_result* result_;
};

/// Some bytes of a COPY, as libpq hands them over.
class CopyData {
  public:
    CopyData(char* data, std::size_t size) noexcept : data_(data), size_(size) {}
    Bytes bytes() const noexcept { return std::as_bytes(std::span(data_.get(), size_)); }

  private:
    struct Free {
        void operator()(char* data) const noexcept;
    };
    std::unique_ptr<char, Free> data_;
    std::size_t size_;
};

/// What the server says beside its answers.
struct ServerNotice {
    std::string severity;  // "WARNING", "NOTICE"; never translated
    std::string message;   // in the server's language
    std::string function;  // of its source, where that is known
};

/// A connection to the PostgreSQL server, on which no wait is without an end. Every error is an Error: of
/// kind server, or integrity where the server found its own data damaged.
class ServerConnection {
  public:
    enum class Kind { sql, replication };
    /// Called while waiting, every fifth of a second; throws to end it.
    using Check = std::function<void()>;
    using Say = std::function<void(const std::string&)>;
    /// True where the notice needs no more words; otherwise a warning goes to Say.
    using Listen = std::function<bool(const ServerNotice&)>;

    /// conninfo as in the configuration: what it leaves open comes from libpq's environment and defaults.
    /// `say` gets the server's warnings. Where the server itself turned the caller away, the Error's code is
    /// the SQLSTATE: "28000".
    ServerConnection(const std::string& conninfo, Kind kind, Check check, Say say);
    ~ServerConnection();
    ServerConnection(const ServerConnection&) = delete;
    ServerConnection& operator=(const ServerConnection&) = delete;

    int version() const noexcept;  // 150014
    /// Every notice goes to `listen` first, from now on; an empty one ends that.
    void listen(Listen listen) { listen_ = std::move(listen); }
    /// For what the kernel tells of the process at the other end.
    int socket() const noexcept;
    /// One command whose answer is rows.
    ServerRows query(const std::string& sql);
    /// The same with parameters; `binary`: columns come as the server keeps them.
    ServerRows query(const std::string& sql, const std::vector<std::string>& parameters, bool binary = false);

    // A command of several answers, in order: send(), then rows(), copying(), rows() …
    void send(const std::string& command);
    ServerRows rows(std::chrono::seconds limit);
    void begin_copy(std::chrono::seconds limit);
    /// nullopt at the end of the COPY.
    std::optional<CopyData> copy_data(std::chrono::seconds limit);

    /// Reads what is left of a command, and throws where that is an error.
    void finish(std::chrono::seconds limit);
    /// Which server this reached, to tell two by.
    std::string peer() const;

    /// Asks the server to leave off what it does.
    void cancel() noexcept;
    /// Runs a command whose failure is no reason to give up; nullopt then, and `why` says it.
    std::optional<ServerRows> try_query(const std::string& sql, const std::vector<std::string>& parameters,
                                        bool binary, std::string& why);

  private:
    void connect(const std::string& conninfo, Kind kind);
    void wait_for(short events, std::chrono::steady_clock::time_point deadline, const char* doing);
    pg_result* next_result(std::chrono::seconds limit);
    [[noreturn]] void fail(const pg_result* result);
    void notice(const ServerNotice& notice);
    friend void forward_notice(ServerConnection& connection, const pg_result* result);

    Check check_;
    Say say_;
    Listen listen_;
    pg_conn* connection_ = nullptr;
};

/// The role that a connection would log in as, by the configuration and libpq's environment; empty where
/// neither names one. Throws config.
std::string role_named_by(const std::string& conninfo);

}  // namespace walferry::server
