#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_file.hpp"
#include "common/message.hpp"
#include "sql/embedded.hpp"

// How a ledger of an earlier version becomes one of this.
namespace walferry {
namespace {

constexpr std::int64_t application_id = 0x57464c47;  // "WFLG": tells `file` and us what this database is
constexpr std::array<const char*, 11> migrations{
    sql::migrations_001_ledger,   sql::migrations_002_backup,          sql::migrations_003_growth,
    sql::migrations_004_proof,    sql::migrations_005_backup_contents, sql::migrations_006_divergence,
    sql::migrations_007_wal_fact, sql::migrations_008_cluster_counts,  sql::migrations_009_fork_gap,
    sql::migrations_010_verify,   sql::migrations_011_known_gap};
// From so many segments on a migration takes longer than a moment.
constexpr std::int64_t many_segments = 200'000;

using sqlite::Statement;

/// Segments without a gap between them, as wal_run has them.
struct WalRun {
    std::string system_identifier;
    std::int64_t timeline = 0, size = 0, first = 0, last = 0;

    /// False where that segment is neither in the run nor right behind it.
    bool take(const WalRun& segment) {
        if (segment.system_identifier != system_identifier || segment.timeline != timeline ||
            segment.size != size || segment.first < first || segment.first > last + 1)
            return false;
        last = std::max(last, segment.first);
        return true;
    }
};

std::optional<std::int64_t> hexadecimal(std::string_view digits) {
    std::int64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    return value;
}

/// As the view wal_number; nullopt for what that leaves out.
std::optional<WalRun> run_of(const Statement& s) {
    WalRun run{s.text(0), s.integer(1), s.integer(2)};
    const std::string name = s.text(3);
    if (name.size() != 24 || run.size < 1 << 20 || run.size > 1 << 30 || (run.size & (run.size - 1)) != 0)
        return std::nullopt;
    const auto high = hexadecimal(std::string_view(name).substr(8, 8));
    const auto low = hexadecimal(std::string_view(name).substr(16));
    const std::int64_t each = (std::int64_t{1} << 32) / run.size;
    if (!high || !low || *low >= each) return std::nullopt;
    run.first = run.last = *high * each + *low;
    return run;
}

/// In the order of names, so that ten million segments need no memory and no sorting.
void fill_runs(sqlite::Database& database) {
    Statement segments(database, sql::ledger_wal_in_order);
    Statement add(database, sql::ledger_add_run);
    std::optional<WalRun> run;
    const auto write = [&] {
        if (run) add.bind(run->system_identifier, run->timeline, run->size, run->first, run->last).run();
    };
    while (segments.step()) {
        const auto segment = run_of(segments);
        if (!segment || (run && run->take(*segment))) continue;
        write();
        run = segment;
    }
    write();
}

std::string duration_hint(std::int64_t segments) {
    return "with its " + std::to_string(segments) + " segments that takes about " +
           format_duration(std::chrono::seconds(segments / 100'000 + 1)) +
           ", once; archiving goes on meanwhile, and what else needs the ledger has to wait until then";
}

}  // namespace

void Ledger::migrate(bool create) {
    const auto newest = static_cast<std::int64_t>(migrations.size());
    const auto version = [this] { return database->integer("PRAGMA user_version"); };
    if (version() > newest) {
        throw Error(ErrorKind::ledger,
                    "ledger " + path + " has version " + std::to_string(version()) + ", this program knows " +
                        std::to_string(newest),
                    "a newer walferry wrote it: upgrade this one");
    }
    const bool empty = version() == 0 && database->integer("SELECT count(*) FROM sqlite_schema") == 0;
    if (empty && !create) {
        throw Error(ErrorKind::ledger, "ledger " + path + " is empty",
                    "run `walferry rebuild`, or `walferry init` for a new spool");
    }
    is_new_ = empty;
    // Also where a copy was restored that is not in that mode. In two steps, because the change itself
    // would need a rollback journal.
    if (database->text("PRAGMA journal_mode") != "wal")
        database->execute("PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL");
    database->keep_room_for_log();
    const std::int64_t before = version();
    if (before == newest) return;
    const auto change = begin_migration(before, newest, create);
    // Read again under the write lock: another process may have migrated meanwhile.
    // Indexes are sorted in this much memory, and beyond that in a temporary file.
    database->execute("PRAGMA cache_size = -32768");
    for (std::int64_t done = version(); done < newest; ++done) {
        const char* migration = migrations[static_cast<std::size_t>(done)];
        database->execute(migration);
        if (migration == sql::migrations_003_growth) fill_runs(*database);
    }
    database->execute(sql::views);
    database->execute(("PRAGMA user_version = " + std::to_string(newest)).c_str());
    database->execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
    change->commit();
    database->execute(("PRAGMA cache_size = -" + std::to_string(ledger_options().cache_kib)).c_str());
}

// The write lock is what a migration holds, so a ledger of an earlier format that is locked is being
// migrated.
std::unique_ptr<LedgerChange> Ledger::begin_migration(std::int64_t from, std::int64_t to, bool create) {
    const std::int64_t segments =
        from == 0 ? 0 : database->integer("SELECT coalesce(max(id), 0) FROM segment");
    const std::string formats = "format " + std::to_string(from) + " to " + std::to_string(to);
    const bool takes_long = segments >= many_segments;
    // A command that only asks is told at once; a drain waits, as for any other lock.
    if (takes_long && !create) database->set_busy_timeout(std::chrono::milliseconds(0));
    std::unique_ptr<LedgerChange> change;
    try {
        change = std::make_unique<LedgerChange>(connection(), sqlite::Synchronous::full);
    } catch (const Error&) {
        if (from == 0 || !database->is_busy()) throw;
        throw LedgerFormatError(
            "ledger " + path + " is being brought from " + formats + " by another process",
            duration_hint(segments));
    }
    if (!takes_long || database->integer("PRAGMA user_version") == to) return change;
    if (!create) {
        throw LedgerFormatError(
            "ledger " + path + " has to be brought from " + formats + ", which the next drain does",
            "`walferry drain`; " + duration_hint(segments));
    }
    say_line("walferry",
             "the ledger " + path + " is being brought from " + formats + "; " + duration_hint(segments));
    return change;
}

}  // namespace walferry
