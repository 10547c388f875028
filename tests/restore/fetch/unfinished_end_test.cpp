#include <cstring>
#include <memory>

#include "archive/archive_survey.hpp"
#include "archive/object_read.hpp"
#include "common/wal/lsn.hpp"
#include "console/exit_code.hpp"
#include "restore/fetch/segment_fetcher.hpp"
#include "tests/archive/wal_maker.hpp"
#include "tests/uploader/drain/harness.hpp"

using namespace walferry;
using namespace walferry::fetch;
using namespace walferry::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t mib = 1 << 20, start = 4 * mib;
const std::string segment = "000000010000000000000004";

struct Collector : Sink {
    void write(Bytes more) override { bytes.append(as_text(more)); }
    void finish() override {}
    std::string bytes;
};

/// What a host has of the old timeline's last segment when it is promoted at the end of `records`.
std::string left_at(const WalMaker& records, char rest) {
    std::string bytes = records.segments()[0];
    const std::size_t end = records.end() - start;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(end + 8), bytes.end(), rest);
    return bytes;
}

/// A standby is promoted, then another one that had received more: within one segment, so that both archive
/// its .partial.
struct Promotions {
    Promotions() {
        WalMaker records(start, 8192, mib);
        records.system_identifier = sysid;
        for (std::uint32_t i = 0; i < 900; ++i) records.commit(800 + i, i);
        first = records.end();
        of_first = left_at(records, 'b');
        WalMaker other = records;
        for (std::uint32_t i = 0; i < 900; ++i) records.commit(1800 + i, i);
        second = records.end();
        of_second = left_at(records, 'c');
        for (std::uint32_t i = 0; i < 900; ++i) other.commit(2800 + i, i);
        contradicts_second = left_at(other, 'd');
    }
    std::string history(std::uint64_t at) const { return "1\t" + format_lsn(at) + "\tpromoted\n"; }

    std::uint64_t first = 0, second = 0;  // where they were promoted
    std::string of_first, of_second, contradicts_second;
};

struct Hosts : Promotions {
    Hosts() { two.settings.stores = one.settings.stores; }

    /// A recovery to the newest timeline whose history pg_wal has.
    Attempt fetch(std::uint32_t newest, bool from_spool = false) {
        const TempDir data;
        std::string control = pg_control_bytes(sysid);
        const double float_format = 1234567.0;
        const auto size = static_cast<std::uint32_t>(mib);
        std::memcpy(&control[208], &float_format, sizeof float_format);
        std::memcpy(&control[228], &size, sizeof size);
        data.write("global/pg_control", control);
        data.write("pg_wal/00000002.history", history(first));
        if (newest == 3) data.write("pg_wal/00000003.history", history(second));
        const Directory wal = os::open_directory(data / "pg_wal");
        const RecoveryWay way(wal, data.path(), RecoveryWay::Unknown::refused);
        const DecodeOptions decoding = archive::decode_options(one.settings);
        archive::ViewOptions options;
        options.system_identifier = sysid;
        archive::ArchiveView view(one.settings, options);
        FetchContext context{Asker::recovery, from_spool ? one.settings.spool : "", &way};
        context.for_server = true;
        SegmentFetcher fetcher(view, decoding, context);
        return fetcher.persist(
            *WalName::parse(segment), std::chrono::steady_clock::now() + std::chrono::seconds(20),
            [] { return std::make_shared<Collector>(); },
            [this](const std::string& line) { said.push_back(line); });
    }
    std::string bytes(const Attempt& attempt) const {
        REQUIRE(attempt.end == Attempt::End::fetched);
        return static_cast<const Collector&>(*attempt.file).bytes;
    }
    std::string up_to(const std::string& content, std::uint64_t at) const {
        return content.substr(0, at - start) + std::string(mib - (at - start), '\0');
    }
    /// The promoted hosts archive, the histories first.
    int archive(const std::string& of_two) {
        one.push_bytes("00000002.history", history(first));
        one.push_bytes(segment + ".partial", of_first);
        REQUIRE(one.drain().exit_code == 0);
        two.push_bytes("00000003.history", history(second));
        two.push_bytes(segment + ".partial", of_two);
        return two.drain().exit_code;
    }

    DrainHarness one, two;
    std::vector<std::string> said;
};

}  // namespace

TEST_CASE("Two hosts that were promoted in one segment of a timeline are no conflict") {
    Hosts h;
    CHECK(h.archive(h.of_second) == 0);
    CHECK(h.two.ledger().conflicts(false).empty());
    for (const ConflictRow& row : h.two.ledger().conflicts(true))
        CHECK(row.divergence == std::optional<std::string>("compared"));
    CHECK(h.bytes(h.fetch(2)) == h.up_to(h.of_first, h.first));
    // Only the second one's leads on to timeline 3.
    CHECK(h.bytes(h.fetch(3)) == h.up_to(h.of_second, h.second));
}

TEST_CASE("What differs before the first of two promotions is a conflict, and a .partial can be settled") {
    Hosts h;
    WalMaker other(start, 8192, mib);
    other.system_identifier = sysid;
    for (std::uint32_t i = 0; i < 2000; ++i) other.commit(100 + i, i);
    CHECK(h.archive(left_at(other, 'e')) == console::exit_code::integrity);
    const Attempt stopped = h.fetch(2);
    REQUIRE(stopped.trouble);
    CHECK(stopped.trouble->kind() == ErrorKind::conflict);
    CHECK(std::string(stopped.trouble->what()).find("walferry settle " + segment + ".partial ") !=
          std::string::npos);
    for (const StoreSettings& store : h.one.settings.stores)
        write_settlement(store.path, segment + ".partial", fingerprint_of(h.of_first));
    CHECK(h.bytes(h.fetch(2)) == h.up_to(h.of_first, h.first));
    CHECK(h.two.drain().exit_code == 0);
    CHECK(h.two.ledger().conflicts(false).empty());
}

TEST_CASE("Where two contents lead on to the later timeline and differ, a person has to say which is right") {
    Hosts h;
    h.archive(h.of_second);
    DrainHarness three;
    three.settings.stores = h.one.settings.stores;
    three.push_bytes(segment + ".partial", h.contradicts_second);
    three.drain();
    const Attempt stopped = h.fetch(3);
    REQUIRE(stopped.trouble);
    CHECK(stopped.trouble->kind() == ErrorKind::conflict);
    CHECK(h.bytes(h.fetch(2)) == h.up_to(h.of_first, h.first));
}

TEST_CASE("A .partial that ends before the place where the recovery leaves the timeline is a gap") {
    Hosts h;
    h.one.push_bytes("00000003.history", h.history(h.second));
    h.one.push_bytes(segment + ".partial", h.of_first);
    const bool from_spool = GENERATE(true, false);
    if (!from_spool) REQUIRE(h.one.drain().exit_code == 0);
    const Attempt stopped = h.fetch(3, from_spool);
    CHECK(stopped.end == Attempt::End::failed);
    REQUIRE(stopped.trouble);
    CHECK(stopped.trouble->kind() == ErrorKind::integrity);
    CHECK(std::string(stopped.trouble->what()).find("a gap") != std::string::npos);
    CHECK(h.bytes(h.fetch(2, from_spool)) == h.up_to(h.of_first, h.first));
}
