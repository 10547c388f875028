#include "restore/fetch/fetch.hpp"

#include "common/error.hpp"
#include "common/store/object_name.hpp"
#include "tests/catch.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::archive;
using namespace walferry::fetch;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

struct Collector : Sink {
    void write(Bytes more) override { bytes.append(as_text(more)); }
    void finish() override {}
    std::string bytes;
};

class Archive : public DrainHarness {
  public:
    using DrainHarness::DrainHarness;
    std::string fetch(const std::string& name, std::vector<std::string> only = {}) {
        ViewOptions options;
        options.stores.only = std::move(only);
        const auto file = fetch_from_stores(
            settings, options, *WalName::parse(name), [] { return std::make_shared<Collector>(); },
            [this](const std::string& line) { said.push_back(line); });
        return static_cast<Collector&>(*file).bytes;
    }
    ErrorKind failure(const std::string& name, std::vector<std::string> only = {}) {
        try {
            fetch(name, std::move(only));
        } catch (const Error& error) {
            return error.kind();
        }
        FAIL("it went through");
        return ErrorKind::internal;
    }
    void settle(const std::string& store, const std::string& name, const std::string& fingerprint) const {
        write_settlement(store_path(store), name, fingerprint);
    }
    void spoil_objects(const std::string& store) const {
        for (const auto& entry : fs::recursive_directory_iterator(store_path(store))) {
            if (entry.is_regular_file()) fs::resize_file(entry.path(), entry.file_size() - 3);
        }
    }
};

const WalFile first = DrainHarness::wal(1);

}  // namespace

TEST_CASE("A segment comes back from any store, also while another is down or damaged") {
    Archive h;
    h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    CHECK(h.fetch(first.name) == first.bytes());
    CHECK(h.fetch(first.name, {"b"}) == first.bytes());
    SECTION("damaged") {
        h.spoil_objects("a");
        CHECK(h.fetch(first.name) == first.bytes());
        CHECK(h.said_something_with("cannot be used"));
        CHECK(h.failure(first.name, {"a"}) == ErrorKind::integrity);
    }
    SECTION("down") {
        fs::rename(h.store_path("a"), h.store_path("away"));
        CHECK(h.fetch(first.name) == first.bytes());
        CHECK(h.failure(DrainHarness::wal(2).name) == ErrorKind::no_bucket);
    }
    CHECK(h.failure(first.name, {"c"}) == ErrorKind::usage);
}

TEST_CASE("Missing means that every store answered that it has none") {
    Archive h;
    CHECK(h.failure(first.name) == ErrorKind::not_found);
    h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    CHECK(h.failure(DrainHarness::wal(2).name) == ErrorKind::not_found);
}

TEST_CASE("Of two contents the settled one comes back, wherever the other one is, and nothing without it") {
    Archive h;
    Archive other;
    other.settings.stores = {h.settings.stores[0]};
    const WalFile theirs = DrainHarness::wal(1, 77);
    const std::string ours_print = h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    const std::string theirs_print = other.push(theirs);
    other.drain();
    CHECK(h.failure(first.name) == ErrorKind::conflict);
    CHECK(h.fetch(first.name, {"b"}) == first.bytes());
    for (const char* store : {"a", "b"}) h.settle(store, first.name, theirs_print);
    CHECK(h.fetch(first.name) == theirs.bytes());
    // Only the wrong content can be seen in this store: that it is there must not make it right.
    CHECK(h.failure(first.name, {"b"}) == ErrorKind::conflict);
    h.settle("a", first.name, ours_print);
    CHECK(h.failure(first.name) == ErrorKind::conflict);
}

TEST_CASE("A settlement for a content that no store has stops no sound segment") {
    Archive h;
    h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    h.settle("a", first.name, std::string(32, 'd'));
    CHECK(h.fetch(first.name) == first.bytes());
    SECTION("and counts while a store is silent that may have it") {
        fs::rename(h.store_path("b"), h.store_path("away"));
        CHECK(h.failure(first.name) == ErrorKind::conflict);
    }
    CHECK(h.failure(first.name, {"a"}) == ErrorKind::conflict);
}

TEST_CASE("With trusted writers only what one of them settled counts") {
    Archive h;
    Archive other;
    other.settings.stores = {h.settings.stores[0]};
    const WriterKey writer = WriterKey::generate();
    writer.save(h.dir.path() + "/writer");
    for (Archive* archive : {&h, &other}) archive->settings.signing_key_file = h.dir.path() + "/writer";
    const WalFile theirs = DrainHarness::wal(1, 77);
    const std::string ours_print = h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    const std::string theirs_print = other.push(theirs);
    other.drain();
    h.settings.trusted_writers = {writer.public_key()};
    CHECK(h.failure(first.name) == ErrorKind::conflict);
    const WriterKey thief = WriterKey::generate();
    h.settle("a", first.name, theirs_print);
    write_settlement(h.store_path("a"), first.name, theirs_print, &thief);
    write_settlement(h.store_path("b"), first.name, theirs_print, &writer, sysid + 1);
    CHECK(h.failure(first.name) == ErrorKind::conflict);
    CHECK(h.said_something_with("counts for nothing: it is not signed"));
    CHECK(h.said_something_with("who is not trusted"));
    CHECK(h.said_something_with("it is about another cluster"));
    write_settlement(h.store_path("b"), first.name, ours_print, &writer);
    CHECK(h.fetch(first.name) == first.bytes());
}

TEST_CASE("A settlement that cannot be read may be the one that matters") {
    Archive h;
    h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    const WriterKey writer = WriterKey::generate();
    h.settings.trusted_writers = {writer.public_key()};
    const std::string path = write_settlement(h.store_path("a"), first.name, std::string(32, 'd'), &writer);
    fs::remove(path);
    fs::create_directory_symlink("/nowhere", path);
    CHECK(h.failure(first.name) != ErrorKind::internal);
}

TEST_CASE("An object under another segment's name is refused") {
    Archive h({"a"});
    h.push(first);
    REQUIRE(h.drain().exit_code == 0);
    const auto name = ObjectName::parse(h.objects("a").front());
    REQUIRE(name);
    const ObjectKeys keys("", h.settings.cluster, sysid);
    ObjectName renamed = *name;
    renamed.segment = DrainHarness::wal(2).name;
    fs::copy_file(h.store_path("a") + "/" + keys.wal(*name), h.store_path("a") + "/" + keys.wal(renamed));
    CHECK(h.failure(renamed.segment) == ErrorKind::integrity);
}
