#include "uploader/rebuild/rebuild.hpp"

#include "archive/listed_archive.hpp"
#include "common/ledger/ledger_file.hpp"
#include "common/ledger/push_ledger.hpp"
#include "console/exit_code.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::console;
using namespace walferry::drain;
using namespace walferry::rebuild;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

struct RebuildHarness : DrainHarness {
    RebuildResult rebuild(RebuildOptions options = {}) {
        said.clear();
        console::Outcome outcome([this](const std::string& line) { said.push_back(line); });
        RebuildResult result = rebuild_ledger(settings, options, outcome, {}, [](const std::string&) {});
        code = outcome.exit_code();
        return result;
    }
    void lose_ledger() const {
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(spool().ledger() + suffix);
    }
    void ruin_ledger() const {
        for (const char* suffix : {"-wal", "-shm"}) fs::remove(spool().ledger() + suffix);
        std::ofstream(spool().ledger(), std::ios::trunc) << "this was a ledger once, and is a text by now";
    }
    std::vector<std::string> ledger_folder() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(spool().ledger_directory()))
            names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    }
    std::size_t count(const std::string& state) const { return ledger().list(state, std::nullopt).size(); }

    int code = -1;
};

}  // namespace

TEST_CASE(
    "A lost ledger comes back from the spool and the listings; only what is still spooled is put again") {
    RebuildHarness h;
    for (unsigned i = 1; i <= 4; ++i) h.push(DrainHarness::wal(i));
    CHECK(h.drain().exit_code == exit_code::done);
    fs::rename(h.store_path("b"), h.store_path("away"));
    for (unsigned i = 5; i <= 6; ++i) h.push(DrainHarness::wal(i));
    CHECK(h.drain().exit_code == exit_code::incomplete);
    fs::rename(h.store_path("away"), h.store_path("b"));
    const auto a = h.objects("a");
    h.lose_ledger();

    const RebuildResult result = h.rebuild();
    CHECK(h.code == exit_code::done);
    CHECK(result.set_aside.empty());
    CHECK(result.spooled == 2);
    CHECK(result.listed == 10);
    CHECK(h.count("stored") == 10);
    CHECK(h.count("verified") == 0);
    CHECK(h.count("pending") == 2);  // of store b, which never had them
    for (const ListRow& row : h.ledger().list(std::nullopt, std::nullopt)) CHECK(row.size > 0);

    const DrainResult drained = h.drain();
    CHECK(drained.exit_code == exit_code::done);
    CHECK(drained.adopted_segments == 0);
    const auto now = h.objects("a");
    CHECK(now.size() == a.size() + 2);  // a listing does not prove whose the objects of these two are
    CHECK(std::includes(now.begin(), now.end(), a.begin(), a.end()));
    CHECK(h.objects("b").size() == 6);
    CHECK(h.spooled() == 0);
}

TEST_CASE("A damaged ledger is set aside, byte for byte, and archiving and draining go on") {
    RebuildHarness h;
    h.push(DrainHarness::wal(1));
    h.ruin_ledger();
    const std::string ruin = read_file(h.spool().ledger());
    CHECK(kind_of([&] { h.drain(); }) == ErrorKind::ledger_corrupt);
    const RebuildResult result = h.rebuild();
    CHECK(h.code == exit_code::done);
    REQUIRE(result.set_aside.size() == 1);
    CHECK(read_file(result.set_aside.front()) == ruin);
    CHECK(result.reason.find("not a database") != std::string::npos);
    CHECK(result.spooled == 1);
    CHECK(h.drain().exit_code == exit_code::done);
    SECTION("and so is the next one") {
        h.ruin_ledger();
        CHECK(h.rebuild().set_aside.size() == 1);
        CHECK(h.ledger_folder().size() >= 3);
    }
}

TEST_CASE("Something else in the ledger's place is set aside too") {
    RebuildHarness h;
    h.push(DrainHarness::wal(1));
    h.lose_ledger();
    fs::create_directory(h.spool().ledger());
    CHECK(h.rebuild().set_aside.size() == 1);
    CHECK(h.drain().exit_code == exit_code::done);
}

TEST_CASE("A sound ledger is kept, and learns what only the stores know") {
    RebuildHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    RebuildHarness other;  // another spool of the same archive
    other.settings.stores = h.settings.stores;
    other.push(DrainHarness::wal(2));
    CHECK(other.drain().exit_code == exit_code::done);
    const RebuildResult result = h.rebuild();
    CHECK(result.set_aside.empty());
    CHECK(result.listed == 2);
    CHECK(h.count("verified") == 2);
    CHECK(h.count("stored") == 2);
    CHECK(h.rebuild().listed == 0);
    SECTION("unless a new one is asked for") {
        RebuildOptions anew;
        anew.anew = true;
        CHECK(h.rebuild(anew).set_aside.size() >= 1);
        CHECK(h.count("verified") == 0);
        CHECK(h.count("stored") == 4);
    }
}

TEST_CASE("A store that cannot be listed is said, and made up for by the next rebuild") {
    RebuildHarness h;
    h.push(DrainHarness::wal(1));
    CHECK(h.drain().exit_code == exit_code::done);
    h.lose_ledger();
    fs::rename(h.store_path("b"), h.store_path("away"));
    CHECK(h.rebuild().unlisted == std::vector<std::string>{"b"});
    CHECK(h.code == exit_code::incomplete);
    CHECK(h.count("stored") == 1);
    fs::rename(h.store_path("away"), h.store_path("b"));
    CHECK(h.rebuild().listed == 1);
    CHECK(h.code == exit_code::done);
    CHECK(h.count("stored") == 2);
}

TEST_CASE("Two contents of one name show in the listings, and a settled one is settled again") {
    RebuildHarness h;
    h.push(DrainHarness::wal(1, 7));
    CHECK(h.drain().exit_code == exit_code::done);
    const std::string right = h.push(DrainHarness::wal(1, 8), false);
    CHECK(h.drain().exit_code == exit_code::integrity);
    h.lose_ledger();
    SECTION("unsettled: neither is taken for ours") {
        CHECK(h.rebuild().conflicts == 4);
        CHECK(h.code == exit_code::integrity);
        std::set<std::string> ours;
        for (const ConflictRow& row : h.ledger().conflicts(false)) ours.insert(row.ours);
        CHECK(ours.size() == 2);
        CHECK(h.rebuild().conflicts == 0);
        CHECK(h.code == exit_code::done);
    }
    SECTION("settled") {
        for (const char* store : {"a", "b"})
            write_settlement(h.store_path(store), DrainHarness::wal(1).name, right);
        h.rebuild();
        CHECK(h.code == exit_code::done);
        CHECK(h.ledger().conflicts(false).empty());
    }
    SECTION("settled for a content that no store has") {
        write_settlement(h.store_path("a"), DrainHarness::wal(1).name, std::string(32, 'd'));
        h.rebuild();
        CHECK_FALSE(h.ledger().conflicts(false).empty());
    }
    SECTION("settled by another host, where no trusted writer is named: as recovery takes it") {
        WriterKey::generate().save(h.dir.path() + "/writer");
        h.settings.signing_key_file = h.dir.path() + "/writer";
        const WriterKey peer = WriterKey::generate();
        write_settlement(h.store_path("a"), DrainHarness::wal(1).name, right, &peer);
        h.rebuild();
        CHECK(h.ledger().conflicts(false).empty());
    }
    SECTION("settled for both by different hosts: recovery takes neither") {
        write_settlement(h.store_path("a"), DrainHarness::wal(1).name, right);
        write_settlement(h.store_path("b"), DrainHarness::wal(1).name,
                         fingerprint_of(DrainHarness::wal(1, 7).bytes()));
        h.rebuild();
        CHECK_FALSE(h.ledger().conflicts(false).empty());
    }
    SECTION("settled by others than the trusted writers") {
        const WriterKey writer = WriterKey::generate();
        h.settings.trusted_writers = {writer.public_key()};
        WriterKey::generate().save(h.dir.path() + "/writer");
        h.settings.signing_key_file = h.dir.path() + "/writer";
        write_settlement(h.store_path("a"), DrainHarness::wal(1).name, right);
        h.rebuild();
        CHECK_FALSE(h.ledger().conflicts(false).empty());
        CHECK(h.said_something_with("counts for nothing: it is not signed"));
        write_settlement(h.store_path("a"), DrainHarness::wal(1).name, right, &writer);
        h.rebuild();
        CHECK(h.ledger().conflicts(false).empty());
    }
    SECTION("settled, beside one that was known and is open") {
        h.push(DrainHarness::wal(2, 7), false);
        CHECK(h.drain().exit_code == exit_code::done);
        h.push(DrainHarness::wal(2, 8), false);
        CHECK(h.drain().exit_code == exit_code::integrity);
        const std::size_t known = h.ledger().conflicts(false).size();
        for (const char* store : {"a", "b"})
            write_settlement(h.store_path(store), DrainHarness::wal(1).name, right);
        CHECK(h.rebuild().conflicts == 0);
        CHECK(h.code == exit_code::done);
        CHECK(h.ledger().conflicts(false).size() == known);
    }
    SECTION("one of them in the spool: that one is ours") {
        h.push(DrainHarness::wal(1, 8), false);
        CHECK(h.rebuild().conflicts == 2);
        for (const ConflictRow& row : h.ledger().conflicts(false)) CHECK(row.ours == right);
    }
}

TEST_CASE("A -wal that outlived its ledger is not taken for the new one's") {
    RebuildHarness h;
    h.push(DrainHarness::wal(1));
    h.dir.write("spool/ledger/ledger.db-wal", "left over");
    fs::remove(h.spool().ledger());
    fs::remove(h.spool().ledger() + "-shm");
    CHECK(h.drain().exit_code == exit_code::done);
    bool kept = false;
    for (const std::string& name : h.ledger_folder())
        kept = kept || (name.starts_with("ledger.db.") && name.ends_with("Z-wal"));
    CHECK(kept);
}

TEST_CASE("Whoever opened a ledger while it was set aside writes nothing into the new one") {
    RebuildHarness h;
    sqlite::Database old(fs::canonical(h.spool().ledger()), {});
    CHECK_NOTHROW(old.require_unmoved());
    set_ledger_aside(h.spool(), wall_now());
    CHECK_THROWS(old.require_unmoved());
}

TEST_CASE("The size of segments is guessed from the numbers in their names") {
    const auto guess = [](std::initializer_list<const char*> names) {
        SegmentSizeGuess size;
        for (const char* name : names) size.see(*WalName::parse(name));
        return size.size() >> 20;
    };
    CHECK(guess({"000000010000000000000001"}) == 16);
    CHECK(guess({"0000000100000000000000FF", "000000010000000100000000"}) == 16);
    CHECK(guess({"00000001000000000000003F", "000000010000000100000000"}) == 64);
    CHECK(guess({"000000010000000000000003", "000000010000000100000000"}) == 1024);
    CHECK(guess({"000000010000000000000FFF", "000000010000000100000000"}) == 1);
    CHECK(guess({"000000010000000000000180"}) == 8);
    CHECK(guess({"00000001000000000000003E", "000000010000000100000000"}) == 16);  // a gap, not an end
    CHECK(guess({"00000002.history"}) == 16);
}
