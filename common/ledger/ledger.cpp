#include "common/ledger/ledger.hpp"

#include <array>
#include <charconv>

#include "common/error.hpp"
#include "common/ledger/ledger_change.hpp"
#include "common/ledger/ledger_file.hpp"
#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;

std::uint64_t unsigned_number(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

StoreRow store_row(const Statement& s) {
    return {
        s.integer(0), {s.text(1), s.text(2), s.text(3), s.text(4), s.text(5)}, s.text(6), s.optional_text(7)};
}

SegmentRow segment_row(const Statement& s) {
    return {s.integer(0),
            unsigned_number(s.text(1)),
            s.text(2),
            s.text(3),
            static_cast<std::uint64_t>(s.integer(4)),
            s.text(5),
            s.optional_text(6)};
}

UploadRow upload_row(const Statement& s) {
    const std::string state = s.text(2);
    return {s.integer(0),
            s.integer(1),
            state == "verified" ? UploadState::verified
            : state == "stored" ? UploadState::stored
                                : UploadState::pending,
            static_cast<int>(s.integer(3)),
            s.text(4),
            s.optional_text(5)};
}

template <typename Row, typename Make>
std::vector<Row> rows(Statement& statement, Make make) {
    std::vector<Row> all;
    while (statement.step()) all.push_back(make(statement));
    return all;
}

}  // namespace

std::string_view to_string(UploadState state) noexcept {
    static constexpr std::array<std::string_view, 3> names{"pending", "stored", "verified"};
    return names[static_cast<std::size_t>(state)];
}

Ledger::Ledger(const SpoolPaths& spool, Open open) {
    if (open == Open::create) create_ledger_file(spool);
    path_ = checked_ledger_path(spool);
    database_ = std::make_unique<sqlite::Database>(path_, sqlite::OpenOptions{});
    migrate(open == Open::create);
    database_->require_unmoved();
}

std::vector<StoreRow> Ledger::active_stores() {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_active_stores);
    return rows<StoreRow>(statement, store_row);
}

std::vector<StoreRow> Ledger::all_stores() {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_all_stores);
    return rows<StoreRow>(statement, store_row);
}

std::int64_t Ledger::add_store(const StoreIdentity& identity, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_add_store, identity.name, identity.type, identity.endpoint, identity.bucket,
               identity.prefix, format_time(now));
    const std::int64_t id = change.last_insert_id();
    change.commit();
    return id;
}

void Ledger::retire_store(std::int64_t id, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    change.run(sql::ledger_retire_store, id, format_time(now));
    change.commit();
}

std::int64_t Ledger::begin_run(std::int64_t pid, WallTime now) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_begin_run, pid, format_time(now));
    const std::int64_t id = change.last_insert_id();
    change.run(sql::ledger_forget_runs, id);
    change.commit();
    return id;
}

void Ledger::end_run(std::int64_t id, int exit_code, std::int64_t verified, std::int64_t removed,
                     const std::string& message, WallTime now) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_end_run, id, format_time(now), exit_code, verified, removed, message);
    change.commit();
}

void Ledger::note_run(std::int64_t id, std::int64_t verified, std::int64_t removed) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_note_run, id, verified, removed);
    change.commit();
}

std::optional<std::string> Ledger::open_run(std::int64_t pid) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_open_run);
    if (!statement.bind(pid).step()) return std::nullopt;
    return statement.text(0);
}

std::optional<RunRow> Ledger::last_run() {
    const std::lock_guard lock(mutex_);
    Statement s(*database_, sql::ledger_last_run);
    if (!s.step()) return std::nullopt;
    RunRow run{s.integer(0), s.text(1),    s.optional_text(2), std::nullopt,
               s.integer(4), s.integer(5), s.text(6)};
    if (!s.is_null(3)) run.exit_code = s.integer(3);
    return run;
}

std::vector<SegmentRow> Ledger::spooled() {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_spooled);
    return rows<SegmentRow>(statement, segment_row);
}

std::vector<SegmentRow> Ledger::rows_of(std::uint64_t system_identifier, const std::string& name) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_rows_of);
    statement.bind(std::to_string(system_identifier), name);
    return rows<SegmentRow>(statement, segment_row);
}

std::vector<Gap> Ledger::gaps(std::optional<std::uint64_t> system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_gaps);
    std::optional<std::string> cluster;
    if (system_identifier) cluster = std::to_string(*system_identifier);
    statement.bind(cluster);
    std::vector<Gap> gaps;
    while (statement.step()) {
        gaps.push_back(
            {statement.text(0), statement.text(1), statement.integer(2), unsigned_number(statement.text(3))});
    }
    return gaps;
}

std::optional<SegmentRow> Ledger::newest_verified(const std::string& store) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_newest_verified);
    if (!statement.bind(store).step()) return std::nullopt;
    return segment_row(statement);
}

std::string Ledger::segment_before(const SegmentRow& segment, int count) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_segment_before);
    statement.bind(std::to_string(segment.system_identifier), segment.name, static_cast<std::int64_t>(count));
    return statement.step() ? statement.text(0) : segment.name;
}

std::int64_t Ledger::adopt(std::uint64_t system_identifier, const WalName& name,
                           const std::string& fingerprint, std::uint64_t size, WallTime spooled_at) {
    Change change(*this, sqlite::Synchronous::normal);
    const std::string sysid = std::to_string(system_identifier);
    change.run(sql::put_prove_again, sysid, name.text, fingerprint);
    change.run(sql::ledger_adopt, sysid, name.text, fingerprint, to_string(name.kind),
               static_cast<std::int64_t>(name.timeline), static_cast<std::int64_t>(size),
               format_time(spooled_at));
    Statement find(change.database(), sql::ledger_segment_id);
    if (!find.bind(sysid, name.text, fingerprint).step())
        change.database().fail("find the row of " + name.text);
    const std::int64_t id = find.integer(0);
    find.run();
    change.commit();
    return id;
}

void Ledger::removed(std::int64_t segment, WallTime now) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_removed, segment, format_time(now));
    change.commit();
}

std::vector<UploadRow> Ledger::open_uploads() {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_open_uploads);
    return rows<UploadRow>(statement, upload_row);
}

std::vector<UploadRow> Ledger::uploads_of(std::int64_t segment) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_uploads_of);
    statement.bind(segment);
    return rows<UploadRow>(statement, upload_row);
}

void Ledger::begin_attempt(std::int64_t segment, std::int64_t store) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_begin_attempt, segment, store);
    change.commit();
}

void Ledger::attempt_failed(std::int64_t segment, std::int64_t store, const std::string& error,
                            WallTime next_attempt) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_attempt_failed, segment, store, error, format_time(next_attempt));
    change.commit();
}

void Ledger::stored(std::int64_t store, const VerifiedObject& object, WallTime now) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_stored, object.segment, store, object.key, static_cast<std::int64_t>(object.size),
               object.sha256, format_time(now));
    change.commit();
}

int Ledger::verified(std::int64_t store, std::span<const VerifiedObject> objects,
                     std::span<const NewConflict> conflicts, WallTime now) {
    Change change(*this, sqlite::Synchronous::full);
    const std::string time = format_time(now);
    for (const VerifiedObject& object : objects) {
        change.run(sql::ledger_verified, object.segment, store, object.key,
                   static_cast<std::int64_t>(object.size), object.sha256, time);
        if (change.changes() != 1) {
            throw Error(ErrorKind::ledger,
                        "ledger " + path_ + " does not have " + object.key +
                            " as an object of this host's: it does not count as verified",
                        "nothing is deleted for it; a fresh copy follows with the next run");
        }
    }
    int fresh = 0;
    for (const NewConflict& conflict : conflicts) {
        change.run(sql::ledger_add_conflict, conflict.segment, conflict.store, conflict.ours, conflict.theirs,
                   time);
        fresh += change.changes();
    }
    change.commit();
    return fresh;
}

bool Ledger::mark_lost(std::int64_t segment, std::int64_t store, const std::string& reason) {
    Change change(*this, sqlite::Synchronous::normal);
    change.run(sql::ledger_mark_lost, segment, store, reason);
    const bool news = change.changes() > 0;
    change.commit();
    return news;
}

bool Ledger::verified_everywhere(std::int64_t segment) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_verified_everywhere);
    return statement.bind(segment).step() && statement.integer(0) != 0;
}

std::vector<StoreSummary> Ledger::store_summaries(std::optional<std::uint64_t> system_identifier) {
    const std::lock_guard lock(mutex_);
    Statement statement(*database_, sql::ledger_store_summary);
    std::optional<std::string> cluster;
    if (system_identifier) cluster = std::to_string(*system_identifier);
    statement.bind(cluster);
    return rows<StoreSummary>(statement, [](const Statement& s) {
        return StoreSummary{s.text(0),          s.text(10),         s.integer(1),      s.integer(2),
                            s.optional_text(3), s.integer(4),       s.integer(5),      s.integer(6),
                            s.optional_text(7), s.optional_text(8), s.optional_text(9)};
    });
}

}  // namespace walferry
