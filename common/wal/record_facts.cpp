#include "common/wal/record_facts.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/wal/record_data.hpp"

namespace walferry {
namespace {

enum Manager : std::uint8_t {
    xlog_id = 0,
    xact_id = 1,
    smgr_id = 2,
    dbase_id = 4,
    tblspc_id = 5,
    standby_id = 8
};

constexpr std::int64_t postgres_epoch = 946684800000000;  // 2000-01-01 in microseconds since 1970
constexpr std::int64_t latest_time = 253402300800000000;  // the year 10000
constexpr std::size_t most_events = 2000, most_checkpoints = 8, most_numbers = 16;
constexpr std::size_t most_subtransactions = 64;

/// nullopt for what no server's clock says.
std::optional<std::int64_t> unix_time(std::int64_t postgres_time) {
    if (postgres_time <= -postgres_epoch || postgres_time >= latest_time - postgres_epoch)
        return std::nullopt;
    return postgres_time + postgres_epoch;
}

bool precedes(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b) < 0;
}

std::array<std::uint16_t, 256> table_of_interest() {
    std::array<std::uint16_t, 256> table{};
    const auto all = [&](unsigned manager, std::initializer_list<unsigned> infos) {
        for (const unsigned info : infos)
            table.at(manager) = static_cast<std::uint16_t>(table.at(manager) | 1U << (info >> 4));
    };
    // Checkpoints, a change of parameters, a restore point, the end of recovery, a full page.
    all(xlog_id, {0x00, 0x10, 0x60, 0x70, 0x90, 0xB0});
    // Commits and aborts, of prepared transactions too; the highest bit says that there is more.
    all(xact_id, {0x00, 0x20, 0x30, 0x40, 0x80, 0xA0, 0xB0, 0xC0});
    all(smgr_id, {0x10});
    all(dbase_id, {0x00, 0x10, 0x20});
    all(tblspc_id, {0x00, 0x10});
    all(standby_id, {0x00, 0x10});
    return table;
}

}  // namespace

const std::array<std::uint16_t, 256> RecordFacts::interest_ = table_of_interest();

RecordFacts::RecordFacts(WalFacts& facts)
    : facts_(facts), transactions_(std::exchange(facts.open, std::vector<WalTransaction>())) {
    for (std::size_t i = 0; i < facts_.events.size(); ++i) {
        if (facts_.events[i].time == 0) without_time_.emplace(facts_.events[i].xid, i);
    }
}

void RecordFacts::finish() {
    facts_.open = transactions_.rest();
}

void RecordFacts::saw_other(std::uint32_t xid, std::uint64_t lsn) noexcept {
    if (transactions_.saw(xid, lsn)) raise_next_xid(xid + 1);
}

void RecordFacts::raise_next_xid(std::uint32_t xid) noexcept {
    if (facts_.next_xid == 0 || precedes(facts_.next_xid, xid)) facts_.next_xid = xid;
}

void RecordFacts::record(Bytes bytes, std::uint64_t lsn) {
    lsn_ = lsn;
    if (bytes.size() < record_header_size) return;
    xid_ = wal_number<std::uint32_t>(bytes, 4);
    const auto info = std::to_integer<std::uint8_t>(bytes[16]);
    const auto manager = std::to_integer<std::uint8_t>(bytes[17]);
    if (is_full_page(manager, info)) return full_page(bytes);
    const auto data = main_data(bytes);
    if (!data) {
        facts_.complete = false;
        return;
    }
    switch (manager) {
        case xlog_id:
            return xlog(info & 0xF0, *data);
        case xact_id:
            return transaction_end(info, *data);
        case smgr_id:
            return storage(*data);
        case dbase_id:
            return database(info & 0xF0, *data);
        case tblspc_id:
            return tablespace(info & 0xF0, *data);
        case standby_id:
            return standby(info & 0xF0, *data);
        default:
            return;
    }
}

WalEvent* RecordFacts::add_event(WalEvent::Kind kind) {
    if (facts_.events.size() >= most_events) {
        facts_.complete = false;
        return nullptr;
    }
    WalEvent& event = facts_.events.emplace_back();
    if (xid_ != 0) without_time_.emplace(xid_, facts_.events.size() - 1);
    event.kind = kind;
    event.lsn = lsn_;
    event.xid = xid_;
    return &event;
}

WalTransaction* RecordFacts::open(std::uint32_t xid) {
    if (xid == 0) return nullptr;
    WalTransaction* const found = transactions_.open(xid, lsn_);
    if (found == nullptr) facts_.complete = false;
    return found;
}

void RecordFacts::xlog(unsigned info, Bytes data) {
    RecordData in(data);
    switch (info) {
        case 0x00:
        case 0x10:
            return checkpoint(info, data);
        case 0x60:
            return parameters(data);
        case 0x70: {
            const auto time = unix_time(in.take<std::int64_t>());
            const Bytes name = in.take(64);
            if (in.failed() || !time) {
                facts_.complete = false;
            } else if (WalEvent* event = add_event(WalEvent::Kind::restore_point)) {
                event->time = *time;
                event->text = RecordData(name).text();
            }
            return;
        }
        case 0x90: {
            const auto time = unix_time(in.take<std::int64_t>());
            const auto timeline = in.take<std::uint32_t>(), previous = in.take<std::uint32_t>();
            if (in.failed() || !time) {
                facts_.complete = false;
            } else if (WalEvent* event = add_event(WalEvent::Kind::end_of_recovery)) {
                event->time = *time;
                event->timeline = timeline;
                event->previous_timeline = previous;
            }
            return;
        }
        default:
            return;
    }
}

/// CheckPoint: redo u64@0, timeline u32@8, the one before u32@12, nextXid u64@24, time i64@64 in seconds
/// since 1970. A recovery that no promotion ended, such as one to a target, begins its timeline with a
/// shutdown checkpoint in place of a record of its own.
void RecordFacts::checkpoint(unsigned info, Bytes data) {
    if (data.size() < 72) {
        facts_.complete = false;
        return;
    }
    raise_next_xid(static_cast<std::uint32_t>(wal_number<std::uint64_t>(data, 24)));
    const auto seconds = wal_number<std::int64_t>(data, 64);
    if (facts_.checkpoints.size() == most_checkpoints)
        facts_.checkpoints.erase(facts_.checkpoints.begin() + 1);
    const bool sane = seconds > 0 && seconds < latest_time / 1000000;
    facts_.checkpoints.push_back({lsn_, wal_number<std::uint64_t>(data, 0), sane ? seconds * 1000000 : 0});
    const auto timeline = wal_number<std::uint32_t>(data, 8), previous = wal_number<std::uint32_t>(data, 12);
    if (info != 0x00 || timeline == previous) return;
    if (WalEvent* event = add_event(WalEvent::Kind::end_of_recovery)) {
        event->time = facts_.checkpoints.back().time;
        event->timeline = timeline;
        event->previous_timeline = previous;
    }
}

void RecordFacts::parameters(Bytes data) {
    static constexpr std::array names{"max_connections",           "max_worker_processes",
                                      "max_wal_senders",           "max_prepared_transactions",
                                      "max_locks_per_transaction", "wal_level"};
    RecordData in(data);
    std::string text;
    for (const char* name : names)
        text += (text.empty() ? "" : " ") + std::string(name) + "=" + std::to_string(in.take<std::int32_t>());
    if (in.failed()) {
        facts_.complete = false;
    } else if (WalEvent* event = add_event(WalEvent::Kind::parameters)) {
        event->text = std::move(text);
    }
}

/// While an index is built or a table rewritten, whole pages of the new file are logged.
void RecordFacts::full_page(Bytes record) {
    RecordData in(record.subspan(record_header_size));
    in.take<std::uint8_t>();
    const std::uint32_t file = take_block_header(in);
    if (file == 0 || xid_ == 0) return;
    if (WalTransaction* transaction = open(xid_)) add_file(transaction->filled, file);
}

void RecordFacts::ended(std::int64_t time, bool commit) {
    const WalMoment moment{time, lsn_};
    if (!facts_.first_end || moment.lsn < facts_.first_end->lsn) facts_.first_end = moment;
    if (!facts_.last_end || moment.lsn > facts_.last_end->lsn) facts_.last_end = moment;
    if (!facts_.greatest_end || moment.time > facts_.greatest_end->time) facts_.greatest_end = moment;
    if (!commit) return;
    ++facts_.commits;
    if (!facts_.last_commit || moment.lsn > facts_.last_commit->lsn) facts_.last_commit = moment;
}

void RecordFacts::name_time(std::uint32_t xid, std::int64_t time) {
    const auto [first, last] = without_time_.equal_range(xid);
    for (auto at = first; at != last; ++at) {
        WalEvent& event = facts_.events[at->second];
        if (event.time == 0) event.time = time;
    }
    without_time_.erase(first, last);
}

/// xl_xact_commit, xl_xact_abort and what xinfo says follows, in ParseCommitRecord's order.
void RecordFacts::transaction_end(unsigned info, Bytes data) {
    constexpr unsigned has_info = 0x80, has_database = 1, has_subxacts = 2, has_files = 4,
                       has_invalidations = 8, has_twophase = 16, has_stats = 256;
    const unsigned operation = info & 0x70;
    const bool commit = operation == 0x00 || operation == 0x30;
    RecordData in(data);
    const auto time = unix_time(in.take<std::int64_t>());
    const auto xinfo = (info & has_info) != 0 ? in.take<std::uint32_t>() : 0;
    std::uint32_t database = 0;
    if ((xinfo & has_database) != 0) {
        database = in.take<std::uint32_t>();
        in.take<std::uint32_t>();
    }
    std::vector<std::uint32_t> subtransactions;
    Bytes children, files;
    if ((xinfo & has_subxacts) != 0) children = in.take(std::uint64_t{in.take<std::uint32_t>()} * 4);
    if ((xinfo & has_files) != 0) files = in.take(std::uint64_t{in.take<std::uint32_t>()} * 12);
    std::uint32_t xid = xid_;
    if (operation >= 0x30) {
        // PostgreSQL 18 made the entries of dropped statistics larger.
        if ((xinfo & has_stats) != 0)
            in.take(std::uint64_t{in.take<std::uint32_t>()} * (facts_.pg_version >= 18 ? 16 : 12));
        if (commit && (xinfo & has_invalidations) != 0) in.take(std::uint64_t{in.take<std::uint32_t>()} * 16);
        xid = (xinfo & has_twophase) != 0 ? in.take<std::uint32_t>() : 0;
    }
    if (in.failed() || !time) {
        facts_.complete = false;
        return;
    }
    xid_ = xid;
    ended(*time, commit);
    if (transactions_.empty() && facts_.events.empty() && (files.empty() || !commit)) return;
    for (std::size_t at = 0; at < children.size(); at += 4)
        subtransactions.push_back(wal_number<std::uint32_t>(children, at));
    name_time(xid, *time);
    WalTransaction before = transactions_.take(xid, subtransactions, lsn_);
    if (!commit || files.empty()) return;
    WalEvent removal;
    for (std::size_t at = 0; at < files.size(); at += 12) {
        const auto file = wal_number<std::uint32_t>(files, at + 8);
        if (database == 0) database = wal_number<std::uint32_t>(files, at + 4);
        if (std::erase(before.created, file) > 0) {
            --before.created_count;
            continue;
        }
        ++removal.removed_count;
        if (removal.removed.size() < most_numbers) removal.removed.push_back(file);
    }
    if (removal.removed_count == 0) return;
    WalEvent* event = add_event(WalEvent::Kind::files_removed);
    if (event == nullptr) return;
    event->time = *time;
    event->database = database;
    event->removed = std::move(removal.removed);
    event->removed_count = removal.removed_count;
    if (subtransactions.size() > most_subtransactions) {
        facts_.complete = false;
        subtransactions.resize(most_subtransactions);
    }
    event->subtransactions = std::move(subtransactions);
    event->transaction = std::move(before);
}

/// xl_smgr_create: tablespace, database and number of the file, and its fork.
void RecordFacts::storage(Bytes data) {
    RecordData in(data);
    in.take<std::uint64_t>();
    const auto file = in.take<std::uint32_t>();
    const auto fork = in.take<std::int32_t>();
    if (in.failed()) {
        facts_.complete = false;
        return;
    }
    if (fork != 0) return;
    if (WalTransaction* transaction = open(xid_)) {
        ++transaction->created_count;
        add_file(transaction->created, file);
    }
}

void RecordFacts::database(unsigned info, Bytes data) {
    RecordData in(data);
    const bool dropped = info == 0x20;
    const auto oid = in.take<std::uint32_t>();
    if (in.failed()) {
        facts_.complete = false;
        return;
    }
    WalEvent* event =
        add_event(dropped ? WalEvent::Kind::database_dropped : WalEvent::Kind::database_created);
    if (event == nullptr) return;
    event->database = oid;
    if (!dropped) {
        // xl_dbase_create_file_copy_rec: ALTER DATABASE … SET TABLESPACE copies it from itself.
        const auto tablespace = in.take<std::uint32_t>(), source = in.take<std::uint32_t>();
        if (info == 0x00 && !in.failed() && source == oid) {
            event->tablespace = tablespace;
            event->text = moved_database;
        }
        return;
    }
    // xl_dbase_drop_rec: how many tablespaces, and which.
    if (in.take<std::uint32_t>() == 1) event->tablespace = in.take<std::uint32_t>();
    event->transaction.xid = xid_;
    event->transaction.first_lsn = transactions_.first_record(xid_, lsn_);
}

void RecordFacts::tablespace(unsigned info, Bytes data) {
    RecordData in(data);
    const auto oid = in.take<std::uint32_t>();
    if (in.failed()) {
        facts_.complete = false;
        return;
    }
    const bool created = info == 0x00;
    WalEvent* event =
        add_event(created ? WalEvent::Kind::tablespace_created : WalEvent::Kind::tablespace_dropped);
    if (event == nullptr) return;
    event->tablespace = oid;
    if (created) event->text = in.text();
}

void RecordFacts::standby(unsigned info, Bytes data) {
    RecordData in(data);
    if (info == 0x10) {
        in.take<std::uint64_t>();
        in.take<std::uint32_t>();  // whether subtransactions are missing, and padding
        const auto next = in.take<std::uint32_t>();
        if (!in.failed()) raise_next_xid(next);
        return;
    }
    const auto count = in.take<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const auto xid = in.take<std::uint32_t>(), database = in.take<std::uint32_t>(),
                   relation = in.take<std::uint32_t>();
        if (in.failed()) break;
        WalTransaction* transaction = open(xid);
        if (transaction == nullptr) continue;
        add_lock(*transaction, {database, relation, lsn_});
    }
    if (in.failed()) facts_.complete = false;
}

}  // namespace walferry
