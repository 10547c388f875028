#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "common/codec/digest.hpp"
#include "common/ledger/ledger_verify.hpp"
#include "common/store/object_name.hpp"
#include "common/wal/fingerprint.hpp"
#include "common/wal/wal_name.hpp"
#include "maintenance/verify/store_round.hpp"
#include "sql/embedded.hpp"
#include "tests/fake_store.hpp"
#include "tests/temp_dir.hpp"

namespace walferry::test {

/// The tables of verify in a database of their own.
class VerifyMemory : private LedgerConnection, public VerifyRecords {
  public:
    VerifyMemory() : VerifyRecords(static_cast<LedgerConnection&>(*this)) {
        sqlite::OpenOptions options;
        options.create = true;
        database = std::make_unique<sqlite::Database>(dir_ / "verify.db", options);
        database->execute("PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL");
        database->execute(sql::migrations_010_verify);
    }

  private:
    const TempDir dir_;
};

inline std::string sha256_of(const std::string& bytes) {
    Sha256 hash;
    hash.update(as_bytes(bytes));
    return hex(hash.finish());
}

/// "SYSID/wal/00000001/NAME-FINGERPRINT-00000000-SHA256.zst": what these bytes would be called. They are no
/// object that could be opened.
inline std::string wal_key(std::uint32_t segment, const std::string& bytes,
                           const std::string& content = "content") {
    const WalName name = WalName::segment_at(1, std::uint64_t{segment} << 24, std::uint64_t{16} << 20);
    Fingerprint fingerprint;
    fingerprint.update(as_bytes(content + name.text));
    const ObjectName object{name.text, fingerprint.digits(), "00000000", sha256_of(bytes).substr(0, 32),
                            false};
    return "7/wal/00000001/" + object.text();
}

/// A store "one" with its objects under "main/", and what is asked of it.
struct VerifiedStore {
    FakeStore store;
    VerifyMemory records;
    verify::RoundView view;
    verify::Limits limits;
    WallTime now = *parse_time("2026-01-31T09:00:00.000Z");
    std::vector<std::string> said;
    std::stop_source stop;

    VerifiedStore() { limits.every = std::chrono::hours(24 * 30); }

    std::string put(const std::string& key, const std::string& bytes) {
        store.objects["main/" + key] = bytes;
        return "main/" + key;
    }
    /// A sound segment; its key.
    std::string put_segment(std::uint32_t number) {
        const std::string bytes = "segment " + std::to_string(number);
        return put(wal_key(number, bytes), bytes);
    }
    verify::StoreResult run(verify::Healer* healer = nullptr, ObjectStore* other = nullptr) {
        verify::Round round{"one",  "place", "main/", other != nullptr ? *other : store, [] {}, records,
                            limits, {},      healer};
        round.check.pause = std::chrono::milliseconds(0);
        round.check.stop = stop.get_token();
        round.say = [this](const std::string& line) { said.push_back(line); };
        round.now = [this] { return now; };
        verify::StoreResult result = verify::verify_store(round, view);
        std::vector<std::string> told;
        for (const verify::Damage& damage : result.damage) told.push_back(damage.key);
        records.damage_told("place", told);
        return result;
    }
    void pass(std::chrono::hours time) { now += time; }
};

}  // namespace walferry::test
