#include "common/ledger/sqlite.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "common/error.hpp"
#include "common/ledger/sqlite_files.hpp"
#include "common/os/bus_error.hpp"
#include "common/os/fd.hpp"
#include "common/shell_word.hpp"

namespace walferry::sqlite {
namespace {

// Enough to record some dozens of uploads, above the length at which the log is emptied.
constexpr off_t log_room = off_t{4} << 20;

bool is_read_only_filesystem(const std::string& path) noexcept {
    struct statvfs found {};
    return ::statvfs(path.c_str(), &found) == 0 && (found.f_flag & ST_RDONLY) != 0;
}

}  // namespace

template <typename Call>
int Database::guarded(Call call) noexcept {
    struct Frame {
        Call& call;
        int result;
    } frame{call, SQLITE_IOERR};
    if (is_abandoned_) return SQLITE_IOERR;
    is_abandoned_ = !os::survives_bus_error(
        [](void* given) {
            auto& self = *static_cast<Frame*>(given);
            self.result = self.call();
        },
        &frame);
    return frame.result;
}

Database::Database(std::string path, const OpenOptions& options)
    : path_(std::move(path)), advice_(options.advice), log_path_(path_ + "-wal") {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (options.create) flags |= SQLITE_OPEN_CREATE;
    try {
        const char* file = path_.c_str();
        const char* vfs = files_without_journal();
        if (guarded([&] { return sqlite3_open_v2(file, &handle_, flags, vfs); }) != SQLITE_OK)
            fail("open it");
        configure(options);
    } catch (...) {
        guarded([&] { return sqlite3_close_v2(handle_); });
        throw;
    }
}

Database::~Database() {
    guarded([&] { return sqlite3_close_v2(handle_); });
}

void Database::configure(const OpenOptions& options) {
    const auto set = [this](int option, int value) {
        if (sqlite3_db_config(handle_, option, value, nullptr) != SQLITE_OK) fail("configure the connection");
    };
    set(SQLITE_DBCONFIG_DEFENSIVE, 1);
    set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
    set(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0);
    set(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
    set_busy_timeout(options.busy_timeout);
    execute(("PRAGMA cache_size = -" + std::to_string(options.cache_kib)).c_str());
    execute(options.synchronous == Synchronous::full ? "PRAGMA synchronous = FULL"
                                                     : "PRAGMA synchronous = NORMAL");
    execute("PRAGMA foreign_keys = ON");
    execute("PRAGMA cell_size_check = ON");
    checkpoint_pages_ = options.autocheckpoint_pages;
    sqlite3_wal_hook(handle_, &Database::after_commit, this);
}

// In place of SQLite's own automatic checkpoint, which leaves the log's length to the next writer: one that
// finds no other connection has to replay the log, forgets in doing so that it was copied already, and
// appends. With a process a segment the log would grow for ever.
int Database::after_commit(void* self, sqlite3* handle, const char* name, int pages) noexcept {
    auto* database = static_cast<Database*>(self);
    if (pages < database->checkpoint_pages_) return SQLITE_OK;
    sqlite3_busy_timeout(handle, 0);  // a reader in the way: the next commit tries again
    sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    sqlite3_busy_timeout(handle, database->busy_timeout_);
    database->keep_room_for_log();
    return SQLITE_OK;
}

// Blocks beyond the end of the file: its length stays what SQLite made it.
void Database::keep_room_for_log() noexcept {
    const Fd log(::open(log_path_.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (log) (void)::fallocate(log.get(), FALLOC_FL_KEEP_SIZE, 0, log_room);
}

void Database::execute(const char* sql) {
    if (guarded([&] { return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); }) != SQLITE_OK)
        fail("run a statement");
}

std::int64_t Database::integer(const char* sql) {
    Statement statement(*this, sql);
    if (!statement.step()) {
        throw Error(ErrorKind::ledger, advice_.name + " " + path_ + ": a row is missing that it always has");
    }
    return statement.integer(0);
}

std::string Database::text(const char* sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.text(0) : std::string();
}

int Database::changes() const noexcept {
    return sqlite3_changes(handle_);
}

std::int64_t Database::last_insert_id() const noexcept {
    return sqlite3_last_insert_rowid(handle_);
}

void Database::require_unmoved() {
    int moved = 0;
    const auto ask = [&] { return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved); };
    if (guarded(ask) != SQLITE_OK || moved == 0) return;
    throw Error(ErrorKind::ledger, advice_.name + " " + path_ + ": it was replaced while it was opened",
                "try again");
}

void Database::set_busy_timeout(std::chrono::milliseconds timeout) {
    const auto ms = timeout.count() > 0 ? static_cast<int>(timeout.count()) : 0;
    if (guarded([&] { return sqlite3_busy_timeout(handle_, ms); }) != SQLITE_OK)
        fail("set the busy time-out");
    busy_timeout_ = ms;
}

bool Database::is_busy() const noexcept {
    return !is_abandoned_ && (sqlite3_extended_errcode(handle_) & 0xff) == SQLITE_BUSY;
}

void Database::set_deadline(std::chrono::steady_clock::time_point deadline) {
    deadline_ = deadline;
    if (!is_abandoned_) sqlite3_progress_handler(handle_, 1000, &Database::past_deadline, this);
}

int Database::past_deadline(void* self) noexcept {
    return std::chrono::steady_clock::now() > static_cast<Database*>(self)->deadline_ ? 1 : 0;
}

void Database::fail(std::string_view doing) const {
    if (is_abandoned_)
        throw Error(
            ErrorKind::ledger,
            advice_.name + " " + path_ + ": a file was cut short while it was in use, or its disk is full",
            advice_.cut_short);
    const int code = handle_ ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
    std::string message = advice_.name + " " + path_ + ": cannot ";
    message += doing;
    message += ": ";
    message += handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    std::string hint;
    ErrorKind kind = ErrorKind::ledger;
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            kind = ErrorKind::ledger_corrupt;
            hint = advice_.damaged;
            break;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
            hint = is_read_only_filesystem(path_)
                       ? "its filesystem is mounted read-only: the kernel's log tells why"
                       : advice_.no_access;
            break;
        case SQLITE_BUSY:
            hint = "another process keeps it locked, perhaps a sqlite3 shell or a backup: `fuser -v " +
                   shell_word(path_) + "` shows which";
            break;
        case SQLITE_FULL:
            hint = advice_.no_space;
            break;
        case SQLITE_IOERR:
            if (handle_ && sqlite3_system_errno(handle_) == ENOSPC) hint = advice_.no_space;
            break;
        default:
            break;
    }
    throw Error(kind, std::move(message), std::move(hint));
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
    sqlite3* handle = database.get();
    if (database.guarded([&] { return sqlite3_prepare_v2(handle, sql, -1, &statement_, nullptr); }) !=
        SQLITE_OK)
        database.fail("prepare a statement");
}

Statement::~Statement() {
    database_.guarded([&] { return sqlite3_finalize(statement_); });
}

void Statement::reset() {
    // What it returns is what the last step failed with.
    database_.guarded([&] { return sqlite3_reset(statement_); });
    database_.guarded([&] { return sqlite3_clear_bindings(statement_); });
}

void Statement::check(int result, std::string_view doing) {
    if (result != SQLITE_OK) database_.fail(doing);
}

bool Statement::step() {
    const int result = database_.guarded([&] { return sqlite3_step(statement_); });
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) {
        database_.guarded([&] { return sqlite3_reset(statement_); });
        return false;
    }
    database_.fail("run a statement");
}

void Statement::run() {
    while (step()) {
    }
}

void Statement::bind_one(int index, std::string_view value) {
    const char* data = value.data();
    const int size = static_cast<int>(value.size());
    check(
        database_.guarded([&] { return sqlite3_bind_text(statement_, index, data, size, SQLITE_TRANSIENT); }),
        "bind a value");
}

void Statement::bind_one(int index, std::int64_t value) {
    check(database_.guarded([&] { return sqlite3_bind_int64(statement_, index, value); }), "bind a value");
}

void Statement::bind_one(int index, std::nullptr_t) {
    check(database_.guarded([&] { return sqlite3_bind_null(statement_, index); }), "bind a value");
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                : std::string();
}

std::uint64_t Statement::decimal(int column) const {
    const std::string digits = text(column);
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::optional<std::string> Statement::optional_text(int column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    sqlite3* handle = database_.get();
    if (open_) database_.guarded([&] { return sqlite3_exec(handle, "ROLLBACK", nullptr, nullptr, nullptr); });
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

}  // namespace walferry::sqlite
