#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace walferry::sqlite {

enum class Synchronous { normal, full };

/// What a message calls the database, and its hints; each may be empty.
struct Advice {
    std::string name = "database";
    std::string damaged, no_access, no_space, cut_short;
};

struct OpenOptions {
    bool create = false;
    Synchronous synchronous = Synchronous::full;
    std::chrono::milliseconds busy_timeout{10000};
    int cache_kib = 2048;
    int autocheckpoint_pages = 256;  // a write-ahead log that is longer after a commit is copied and emptied
    Advice advice = {};
};

/// A connection to a database that somebody else may have tampered with: symbolic links are not followed, the
/// schema is not trusted, the write-ahead log is not checkpointed on close. Everything throws Error of kind
/// ledger, with the path and SQLite's message. So does a file that is cut short under SQLite's mapping, in a
/// program that leaves the call on SIGBUS (common/os/bus_error.hpp); the connection is then abandoned, its
/// memory and its locks are kept until the process ends, and each later call throws the same.
class Database {
  public:
    /// `path` must not lead through a symbolic link (resolve the directory before).
    Database(std::string path, const OpenOptions& options);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs one or more statements that give no rows back to the caller.
    void execute(const char* sql);
    /// The first column of the first row; throws when there is none.
    std::int64_t integer(const char* sql);
    /// The same as text; "" when there is no row.
    std::string text(const char* sql);
    /// Throws when the file no longer stands under its path. After the first read all of a connection's files
    /// are open; if the database had its name until then, they belong together, and nothing that is written
    /// can get into the files of a database that has taken its place.
    void require_unmoved();
    int changes() const noexcept;
    std::int64_t last_insert_id() const noexcept;
    void set_busy_timeout(std::chrono::milliseconds timeout);
    /// Whether the last call failed because another process holds a lock.
    bool is_busy() const noexcept;
    /// Keeps some of the disk for the write-ahead log: a spool that fills its filesystem can be emptied only
    /// while the ledger can still record. Where the filesystem cannot do that, nothing is kept.
    void keep_room_for_log() noexcept;
    /// From now on any statement that runs past this point fails: a hostile schema cannot keep us.
    void set_deadline(std::chrono::steady_clock::time_point deadline);

    [[noreturn]] void fail(std::string_view doing) const;
    sqlite3* get() const noexcept { return handle_; }
    /// A call of SQLite's that may touch mapped memory; SQLITE_IOERR where it was left or the connection is
    /// abandoned. `call` holds nothing that has to be destroyed.
    template <typename Call>
    int guarded(Call call) noexcept;
    bool is_abandoned() const noexcept { return is_abandoned_; }

  private:
    void configure(const OpenOptions& options);
    static int past_deadline(void* self) noexcept;
    static int after_commit(void* self, sqlite3* handle, const char* name, int pages) noexcept;

    std::string path_;
    Advice advice_;
    std::string log_path_;
    sqlite3* handle_ = nullptr;
    bool is_abandoned_ = false;
    std::chrono::steady_clock::time_point deadline_{};
    int busy_timeout_ = 0;  // ms
    int checkpoint_pages_ = 0;
};

/// A prepared statement: bind all parameters, then step. One at a time.
class Statement {
  public:
    Statement(Database& database, const char* sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// Starts over with parameters ?1, ?2 …; text is copied.
    template <typename... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        (bind_one(++index, values), ...);
        return *this;
    }
    /// True when there is a row to read.
    bool step();
    /// For statements without rows.
    void run();

    std::int64_t integer(int column) const;
    std::string text(int column) const;  // "" for NULL
    std::optional<std::string> optional_text(int column) const;
    /// An unsigned number that is kept as decimal text, because SQLite's integers are signed; 0 for no
    /// number.
    std::uint64_t decimal(int column) const;
    bool is_null(int column) const;

  private:
    void reset();
    void check(int result, std::string_view doing);
    void bind_one(int index, std::string_view value);
    void bind_one(int index, const char* value) { bind_one(index, std::string_view(value)); }
    void bind_one(int index, const std::string& value) { bind_one(index, std::string_view(value)); }
    void bind_one(int index, std::int64_t value);
    void bind_one(int index, int value) { bind_one(index, std::int64_t{value}); }
    void bind_one(int index, std::nullptr_t);
    template <typename T>
    void bind_one(int index, const std::optional<T>& value) {
        if (value) {
            bind_one(index, *value);
        } else {
            bind_one(index, nullptr);
        }
    }

    Database& database_;
    sqlite3_stmt* statement_ = nullptr;
};

/// Takes the write lock at once (BEGIN IMMEDIATE), so that a busy ledger shows before any work is done.
/// Rolled back unless committed.
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

}  // namespace walferry::sqlite
