#include "maintenance/expire/carry_out.hpp"

#include <algorithm>

#include "archive/expired_wal.hpp"
#include "common/codec/backup_index.hpp"
#include "common/codec/zstd_text.hpp"
#include "common/error.hpp"
#include "maintenance/expire/expire_run.hpp"
#include "tests/catch.hpp"
#include "tests/maintenance/expire/dated_store.hpp"
#include "transfer/plain_object.hpp"

using namespace walferry;
using namespace walferry::expire;

namespace {

constexpr std::uint64_t sysid = 7301234567890123456;
constexpr std::uint64_t segment_size = 16 << 20;

WallTime on_day(double number) {
    return WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)) +
           std::chrono::milliseconds(static_cast<std::int64_t>(number * 86'400'000));
}

std::string backup_id(int day) {
    const std::string date = format_time(on_day(day));
    return date.substr(0, 4) + date.substr(5, 2) + date.substr(8, 2) + "T000000Z-0000000" +
           std::to_string(day % 10);
}

std::string segment_name(int number) {
    return WalName::segment_at(1, static_cast<std::uint64_t>(number) * segment_size, segment_size).text;
}

std::string digits(std::size_t count, int seed) {
    std::string text(count, '0');
    for (std::size_t i = 0; i < count; ++i)
        text[i] = "0123456789abcdef"[(static_cast<std::size_t>(seed) * 7 + i * 3) % 16];
    return text;
}

std::string object_name(const std::string& what, int seed) {
    return what + "-" + digits(32, seed) + "-deadbeef-" + digits(32, seed + 1) + ".zst.age";
}

/// Neither a mark nor a record of what has expired: those hold the time at which they were made.
bool is_data(const std::string& key) {
    return key.find("/mark/") == std::string::npos && key.find("/expired/") == std::string::npos;
}

/// One for all, so that the same backups have the same indexes.
const WriterKey& shared_writer() {
    static const WriterKey writer = WriterKey::generate();
    return writer;
}

/// A store with thirty days of WAL, four segments a day, and a backup every five days.
struct Place {
    DatedObjects data;
    const WriterKey& writer = shared_writer();
    ObjectKeys keys{"prod", "main", sysid};
    Trust trust{"main", sysid, {writer.public_key()}};
    Retention retention;

    explicit Place(bool versions = false) {
        data.versions = versions;
        retention.recovery_window = std::chrono::days(8);
        retention.keep_backups = 1;
        for (int n = 0; n < 120; ++n)
            data.add(keys.root() + "wal/00000001/" + object_name(segment_name(n), n), std::string(300, 'w'),
                     on_day(n / 4.0));
        for (int day = 2; day < 30; day += 5) add_backup(day);
        data.now = on_day(30);
    }

    void add_backup(int day) {
        const std::string folder = "backup/" + backup_id(day) + "/";
        BackupIndex index;
        index.id = *BackupId::parse(backup_id(day));
        index.cluster = "main";
        index.system_identifier = sysid;
        index.pg_version = 15;
        index.segment_size = segment_size;
        index.timeline = 1;
        index.first_segment = segment_name(day * 4);
        index.last_segment = segment_name(day * 4 + 1);
        index.started_at = format_time(on_day(day));
        index.stopped_at = format_time(on_day(day + 0.3));
        index.size = 1000;
        index.complete = true;
        for (const char* part : {"base.00000000", "base.00000001", "label"}) {
            const std::string key = folder + object_name(part, day);
            index.objects.push_back({key, 5});
            data.add(keys.root() + key, "piece", on_day(day + 0.3));
        }
        sign_index(index, writer);
        const transfer::PlainObject object(compress_text(backup_index_json(index)));
        const IndexName name{object.sha256().substr(0, 32)};
        std::string bytes(static_cast<std::size_t>(object.size()), '\0');
        (void)object.read_at(0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
        data.add(keys.root() + folder + name.text(), bytes, on_day(day + 0.35));
    }

    ListedStore list() {
        DatedStore store(data);
        HostKnowledge host;
        host.trust = trust;
        return list_store(store, keys, host, [](const std::string&) {});
    }

    Done expire() {
        ListedStore listed = list();
        listed.cluster.holds = listed.holds.in_force();
        const Plan plan = make_plan(listed.cluster, retention, {data.now, ""});
        REQUIRE(plan.blocked.empty());
        Done done;
        carry_out({[this] { return std::make_unique<DatedStore>(data); },
                   keys,
                   "fake",
                   trust,
                   &writer,
                   retention.policy(),
                   1,
                   {},
                   [](const std::string&) {}},
                  listed, plan, done);
        return done;
    }

    /// A day passes, in which archiving goes on, or stands still.
    void next_day(bool archiving = true) {
        data.now += std::chrono::hours(25);
        if (!archiving) return;
        const int n = 120 + static_cast<int>((data.now - on_day(30)) / std::chrono::hours(25));
        data.add(keys.root() + "wal/00000001/" + object_name(segment_name(n), n), "wal",
                 data.now - std::chrono::minutes(1));
    }

    /// Every backup that has a label has all of its objects and its WAL.
    void check_whole() {
        const ListedStore listed = list();
        for (const Backup& backup : listed.cluster.backups) {
            if (!backup.labelled) continue;
            INFO(backup.id.text);
            CHECK(backup.indexed);
            CHECK(backup.missing == 0);
            for (std::uint64_t n = backup.first; n <= backup.last; ++n) {
                const bool there = std::any_of(listed.cluster.wal.begin(), listed.cluster.wal.end(),
                                               [&](const WalFile& file) { return file.number == n; });
                CHECK(there);
            }
        }
    }
};

}  // namespace

TEST_CASE("expire reads a listing of many pages whole, and its keys again from their parts", "[expire]") {
    Place place;
    const ListedStore listed = place.list();
    CHECK(listed.cluster.trouble.empty());
    CHECK(listed.cluster.wal.size() == 120);
    CHECK(listed.cluster.backups.size() == 6);
    CHECK(listed.cluster.segment_size == segment_size);
    for (std::size_t i = 0; i < listed.cluster.wal.size(); ++i) {
        CHECK(listed.cluster.wal[i].number == i);
        CHECK(place.data.objects.contains(listed.wal_keys[i].key(place.keys)));
    }
    for (const Backup& backup : listed.cluster.backups) {
        CHECK(backup.counted);
        CHECK(backup.objects.size() == 4);
    }
}

TEST_CASE("expire marks in one run, and removes in one a day later", "[expire]") {
    for (const bool versions : {false, true}) {
        Place place(versions);
        if (versions) {  // an object that was put again keeps its earlier version, which is paid for
            const std::string key = place.data.objects.begin()->first;
            place.data.add(key, "piece", on_day(3));
        }
        const std::uint64_t before = place.data.bytes();
        const Done marked = place.expire();
        CHECK(marked.marks == 3 + 1);  // three backups, and the WAL
        CHECK(marked.removed.objects == 0);
        CHECK(place.data.has(backup_id(2)));
        CHECK(place.expire().marks == 0);
        place.next_day();
        const Done done = place.expire();
        CHECK(done.backups == 3);
        CHECK(done.locked.objects == 0);
        CHECK_FALSE(place.data.has("/backup/" + backup_id(2)));
        CHECK_FALSE(place.data.has(segment_name(10)));
        CHECK(place.data.has(backup_id(17)));
        CHECK(place.data.has(segment_name(68)));
        CHECK(place.data.bytes() < before);
        place.check_whole();
        place.expire();
        CHECK_FALSE(place.data.has("/mark/" + backup_id(2)));
        DatedStore store(place.data);
        const archive::ExpiredWal expired(store, place.keys, sysid, place.trust.writers);
        CHECK(expired.keys().size() == 1);
        CHECK(expired.covers(segment_name(10)));
        CHECK(expired.covers(segment_name(0) + ".partial"));
        CHECK_FALSE(expired.covers(segment_name(68)));
        CHECK_FALSE(expired.covers("00000002" + segment_name(10).substr(8)));
    }
}

TEST_CASE("expire, killed at any change it makes to a store, loses nothing that is needed and ends the same",
          "[expire]") {
    Place whole;
    for (int run = 0; run < 12; ++run) {
        whole.expire();
        whole.next_day(run < 3);
    }
    std::vector<std::string> expected;
    for (const auto& [key, all] : whole.data.objects) {
        if (is_data(key)) expected.push_back(key);
    }
    for (long kill = 0;; ++kill) {
        Place place;
        bool killed = false;
        long left = kill;
        for (int run = 0; run < 12; ++run) {
            place.data.changes_left = killed ? -1 : left;
            const long before = place.data.changes;
            try {
                place.expire();
            } catch (const Error& error) {
                REQUIRE(error.kind() == ErrorKind::interrupted);
                killed = true;
            }
            left -= place.data.changes - before;
            place.check_whole();
            place.next_day(run < 3);
        }
        std::vector<std::string> found;
        for (const auto& [key, all] : place.data.objects) {
            if (is_data(key)) found.push_back(key);
        }
        std::vector<std::string> different;
        std::set_symmetric_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                                      std::back_inserter(different));
        INFO("killed at change " << kill);
        REQUIRE(different == std::vector<std::string>());
        if (!killed) break;
    }
}

TEST_CASE("what the store does not let go is a state, and its backup stays whole", "[expire]") {
    Place place;
    place.expire();
    place.next_day();
    place.data.locked = backup_id(2) + "/label";
    const Done done = place.expire();
    CHECK(done.locked.objects == 1);
    CHECK_FALSE(done.locked_why.empty());
    CHECK(done.backups == 2);
    place.check_whole();
    CHECK(place.data.has(segment_name(8)));
    CHECK_FALSE(place.data.has(segment_name(10)));
    place.data.locked = "prod/";  // keys that may put and not delete
    place.next_day();
    CHECK_NOTHROW(place.expire());
}

TEST_CASE("a backup with several labels loses all of them before anything it consists of", "[expire]") {
    Place place;
    place.data.add(place.keys.root() + "backup/" + backup_id(2) + "/" + object_name("label", 77), "label",
                   on_day(2.4));
    place.expire();
    place.next_day();
    place.data.changes_left = 4;  // its mark, two labels, its index
    CHECK_THROWS_AS(place.expire(), Error);
    place.check_whole();
    place.data.changes_left = -1;
    for (int run = 0; run < 4; ++run) {
        place.next_day(false);
        place.expire();
        place.check_whole();
    }
    CHECK_FALSE(place.data.has("/backup/" + backup_id(2)));
}

TEST_CASE("a backup that begins while expire works ends the run before anything more is removed",
          "[expire]") {
    Place place;
    place.expire();
    place.next_day();
    const ListedStore listed = place.list();
    const Plan plan = make_plan(listed.cluster, place.retention, {place.data.now, ""});
    place.data.add(place.keys.root() + "backup/20260201T000000Z-12345678/begin-" + digits(32, 1) + ".json",
                   "x", place.data.now);
    const auto before = place.data.objects;
    Done done;
    CHECK_THROWS_AS(carry_out({[&place] { return std::make_unique<DatedStore>(place.data); },
                               place.keys,
                               "fake",
                               place.trust,
                               &place.writer,
                               place.retention.policy(),
                               1,
                               {},
                               [](const std::string&) {}},
                              listed, plan, done),
                    Error);
    for (const auto& [key, all] : before) CHECK(place.data.objects.contains(key));
    CHECK(done.removed.objects == 0);
}

TEST_CASE("an index that is damaged, and one of no use, decide nothing in that store", "[expire]") {
    Place place;
    for (auto& [key, all] : place.data.objects) {
        if (key.find(backup_id(7) + "/index-") != std::string::npos) all.back().bytes[9] ^= 1;
    }
    CHECK(place.list().cluster.trouble.find("cannot be used") != std::string::npos);
}

TEST_CASE("an index by another writer does not count, and its backup stays", "[expire]") {
    Place place;
    place.trust.writers = {WriterKey::generate().public_key()};
    const ListedStore listed = place.list();
    CHECK(listed.cluster.trouble.empty());
    for (const Backup& backup : listed.cluster.backups) {
        CHECK(backup.indexed);
        CHECK_FALSE(backup.counted);
        CHECK(backup.uncounted.find("not trusted") != std::string::npos);
    }
}

TEST_CASE("a clock is doubted where a store contradicts it, or nothing supports it", "[expire]") {
    using std::chrono::seconds;
    StoredCluster cluster;
    cluster.objects.push_back({"k", 1, on_day(10)});
    CHECK(clock_doubt(StoreType::s3, seconds(299), cluster, on_day(50)).empty());
    CHECK_FALSE(clock_doubt(StoreType::s3, seconds(301), cluster, on_day(10)).empty());
    CHECK_FALSE(clock_doubt(StoreType::s3, seconds(-301), cluster, on_day(10)).empty());
    CHECK_FALSE(clock_doubt(StoreType::s3, std::nullopt, cluster, on_day(10)).empty());
    CHECK(clock_doubt(StoreType::directory, std::nullopt, cluster, on_day(10.9)).empty());
    CHECK_FALSE(clock_doubt(StoreType::directory, std::nullopt, cluster, on_day(11.1)).empty());
    CHECK_FALSE(clock_doubt(StoreType::directory, std::nullopt, cluster, on_day(9.9)).empty());
    CHECK(clock_doubt(StoreType::directory, std::nullopt, cluster, on_day(10) - std::chrono::minutes(4))
              .empty());
}
