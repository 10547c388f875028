#include "maintenance/verify/memory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "common/error.hpp"
#include "common/ledger/sqlite.hpp"
#include "common/spool/spool_lock.hpp"
#include "sql/embedded.hpp"

namespace walferry::verify {
namespace {

constexpr std::int64_t application_id = 0x57465653;  // "WFVS"
constexpr std::int64_t format = 1;

/// With every symbolic link above the file resolved: SQLite is told to follow none.
std::string resolved(const std::string& file) {
    const std::size_t slash = file.rfind('/');
    const std::string folder = slash == 0 ? "/" : file.substr(0, slash);
    char path[PATH_MAX];
    if (::realpath(folder.c_str(), path) == nullptr)
        throw_errno(errno, "find the folder of " + file + " ([verify] state)",
                    "make it, for the user that runs this");
    return std::string(path) + "/" + file.substr(slash + 1);
}

sqlite::OpenOptions state_options(const std::string& file) {
    sqlite::OpenOptions options;
    options.create = true;
    options.advice = {"state file",
                      "remove " + file + ": it holds only what was read when, and what was told",
                      "may this user write to it and to its folder?", "free a few MB on its filesystem",
                      "remove " + file + ": it holds only what was read when, and what was told"};
    return options;
}

}  // namespace

/// The tables of the ledger that verify needs, in a database of their own.
class Memory::StateFile : private LedgerConnection, public VerifyRecords {
  public:
    explicit StateFile(const std::string& file) : VerifyRecords(static_cast<LedgerConnection&>(*this)) {
        path = resolved(file);
        // Readable by its user alone: it names objects.
        const Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!made && errno != EEXIST)
            throw_errno(errno, "make " + file + " ([verify] state)", "may this user write to its folder?");
        database = std::make_unique<sqlite::Database>(path, state_options(file));
        if (database->text("PRAGMA journal_mode") != "wal")
            database->execute("PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL");
        const std::int64_t found = database->integer("PRAGMA user_version");
        if (found == format && database->integer("PRAGMA application_id") == application_id) return;
        if (found != 0 || database->integer("SELECT count(*) FROM sqlite_schema") != 0) {
            throw Error(ErrorKind::config,
                        file +
                            " is not what [verify] state may name: another program, or "
                            "another version of walferry, wrote it",
                        "name another file, or remove this one if it is verify's");
        }
        LedgerChange change(*this, sqlite::Synchronous::full);
        change.database().execute(sql::migrations_010_verify);
        change.database().execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
        change.database().execute(("PRAGMA user_version = " + std::to_string(format)).c_str());
        change.commit();
    }
};

Memory::Memory(const Settings& settings) {
    const SpoolPaths spool(settings.spool);
    const bool has_ledger = ::access(spool.ledger().c_str(), F_OK) == 0;
    if (!settings.verify_state.empty()) {
        lock(resolved(settings.verify_state) + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW);
        state_ = std::make_unique<StateFile>(settings.verify_state);
        records_ = state_.get();
    } else if (!has_ledger) {
        throw Error(ErrorKind::config,
                    settings.file +
                        ": verify has no place to remember what it has read: there is no ledger in " +
                        settings.spool + ", and [verify] state is not set",
                    "on a host without a spool, set it to a file such as \"/var/lib/walferry/verify.db\"");
    }
    if (has_ledger) {
        if (state_ == nullptr) lock(spool.tmp(), O_RDONLY | O_DIRECTORY);
        ledger_ = std::make_unique<Ledger>(spool, Ledger::Open::existing);
        if (state_ == nullptr) records_ = ledger_.get();
    }
}

Memory::~Memory() = default;

void Memory::lock(const std::string& path, int flags) {
    lock_ = Fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    if (!lock_) throw_errno(errno, "open " + path + " to lock it", "run this as the user that drains");
    while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) throw_errno(errno, "lock " + path);
        throw Error(ErrorKind::locked, "another verify is running: " + describe_lock_holder(path),
                    "wait for it to end");
    }
}

}  // namespace walferry::verify
