#include "common/ledger/ledger_uploads.hpp"

#include <array>

#include "common/error.hpp"
#include "sql/embedded.hpp"

namespace walferry {
namespace {

using sqlite::Statement;
using sqlite::Synchronous;

UploadState upload_state(const std::string& text) {
    return text == "verified" ? UploadState::verified
           : text == "stored" ? UploadState::stored
                              : UploadState::pending;
}

UploadRow upload_row(const Statement& s) {
    return {s.integer(0), s.integer(1),      upload_state(s.text(2)), static_cast<int>(s.integer(3)),
            s.text(4),    s.optional_text(5)};
}

}  // namespace

std::string_view to_string(UploadState state) noexcept {
    static constexpr std::array<std::string_view, 3> names{"pending", "stored", "verified"};
    return names[static_cast<std::size_t>(state)];
}

SegmentRow segment_row(const Statement& s) {
    return {s.integer(0), s.decimal(1),      s.text(2), s.text(3), static_cast<std::uint64_t>(s.integer(4)),
            s.text(5),    s.optional_text(6)};
}

std::vector<SegmentRow> UploadRecords::spooled() {
    return read(sql::ledger_spooled).all(segment_row);
}

std::vector<SegmentRow> UploadRecords::rows_of(std::uint64_t system_identifier, const std::string& name) {
    return read(sql::ledger_rows_of, std::to_string(system_identifier), name).all(segment_row);
}

std::int64_t UploadRecords::adopt(std::uint64_t system_identifier, const WalName& name,
                                  const std::string& fingerprint, std::uint64_t size, WallTime spooled_at) {
    LedgerChange change(connection_, Synchronous::normal);
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

void UploadRecords::removed(std::int64_t segment, WallTime now) {
    run(Synchronous::normal, sql::ledger_removed, segment, format_time(now));
}

std::vector<UploadRow> UploadRecords::open_uploads() {
    return read(sql::ledger_open_uploads).all(upload_row);
}

std::vector<UploadRow> UploadRecords::uploads_of(std::int64_t segment) {
    return read(sql::ledger_uploads_of, segment).all(upload_row);
}

void UploadRecords::begin_attempt(std::int64_t segment, std::int64_t store) {
    run(Synchronous::normal, sql::ledger_begin_attempt, segment, store);
}

void UploadRecords::begin_put(std::int64_t store, const VerifiedObject& object, bool further_attempt) {
    run(Synchronous::normal, sql::put_begin, object.segment, store, object.key,
        static_cast<std::int64_t>(object.size), object.sha256, further_attempt ? 0 : 1);
}

std::optional<OwnPut> UploadRecords::own_put(std::int64_t segment, std::int64_t store) {
    return read(sql::put_own, segment, store).first([&](const Statement& s) {
        return OwnPut{{segment, s.text(0), static_cast<std::uint64_t>(s.integer(1)), s.text(2)},
                      static_cast<int>(s.integer(3))};
    });
}

void UploadRecords::attempt_failed(std::int64_t segment, std::int64_t store, const std::string& error,
                                   WallTime next_attempt) {
    run(Synchronous::normal, sql::ledger_attempt_failed, segment, store, error, format_time(next_attempt));
}

void UploadRecords::stored(std::int64_t store, const VerifiedObject& object, WallTime now) {
    run(Synchronous::normal, sql::ledger_stored, object.segment, store, object.key,
        static_cast<std::int64_t>(object.size), object.sha256, format_time(now));
}

int UploadRecords::verified(std::int64_t store, std::span<const VerifiedObject> objects,
                            std::span<const NewConflict> conflicts, WallTime now) {
    LedgerChange change(connection_, Synchronous::full);
    const std::string time = format_time(now);
    for (const VerifiedObject& object : objects) {
        change.run(sql::ledger_verified, object.segment, store, object.key,
                   static_cast<std::int64_t>(object.size), object.sha256, time);
        if (change.changes() != 1) {
            throw Error(ErrorKind::ledger,
                        "ledger " + connection_.path + " does not have " + object.key +
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

bool UploadRecords::mark_lost(std::int64_t segment, std::int64_t store, const std::string& reason) {
    return run(Synchronous::normal, sql::ledger_mark_lost, segment, store, reason) > 0;
}

bool UploadRecords::verified_everywhere(std::int64_t segment) {
    return read(sql::ledger_verified_everywhere, segment).truth();
}

}  // namespace walferry
