#include "maintenance/verify/spans.hpp"

#include "maintenance/verify/named_hash.hpp"
#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::verify;

namespace {

constexpr auto month = std::chrono::hours(24 * 30);
const WallTime now = *parse_time("2026-01-31T09:00:00.000Z");

VerifySpan span_since(const std::string& last_key, std::chrono::hours ago, std::uint64_t objects = 10) {
    const std::string since = format_time(now - ago);
    return {last_key, since, since, objects, objects * 100};
}

}  // namespace

TEST_CASE("The hash is found in the name of everything that is named by one, and in nothing else") {
    const std::string half(32, 'a'), whole(64, 'b');
    CHECK(hash_in_name("p/main/7/wal/00000001/000000010000000000000001-" + half + "-01234567-" + half +
                       ".zst.age") == half);
    CHECK(hash_in_name("base.00000000-" + half + "-00000000-" + half + ".zst") == half);
    CHECK(hash_in_name("main/7/settled/N-" + half + "-" + half + ".json") == half);
    CHECK(hash_in_name("main/7/backup/ID/index-" + whole + ".json.zst") == whole);
    for (const char* other : {"main/7/README", "main/7/a-b.zst", "main/7/a-0123.zst", ""})
        CHECK_FALSE(hash_in_name(other));
    CHECK_FALSE(hash_in_name("main/x-" + half + ".part"));
    CHECK_FALSE(hash_in_name("main/x-" + half));
    CHECK_FALSE(hash_in_name("main/x-" + std::string(32, 'A') + ".zst"));
}

TEST_CASE("A million objects are about a thousand spans, none longer than it may be") {
    SpanMaker maker;
    for (int i = 0; i < 1'000'000; ++i) maker.add({"key" + std::to_string(1'000'000 + i), 1000});
    const auto spans = maker.finish();
    CHECK(spans.size() == 1000);
    std::uint64_t objects = 0;
    for (const VerifySpan& span : spans) objects += span.objects;
    CHECK(objects == 1'000'000);
    CHECK(spans.back().last_key == "key1999999");
}

TEST_CASE(
    "The objects of a store that is new to verify become due one after the other, later ones a month after "
    "they came") {
    SpanMaker maker;
    for (int i = 0; i < 30'000; ++i) maker.add({"key" + std::to_string(100'000 + i), 1000});
    auto spans = maker.finish();
    begin_counting(spans, true, now, month);
    // A day's share each day.
    std::size_t due = 0;
    for (int day = 0; day < 30; ++day) {
        const std::size_t until_now =
            due_spans(spans, now + std::chrono::hours(24 * day), month, false).size();
        CHECK(until_now - due <= 2);
        due = until_now;
    }
    CHECK(due == spans.size());

    std::vector<VerifySpan> later{{"key2", "", std::nullopt, 1, 1}};
    begin_counting(later, false, now, month);
    CHECK(due_spans(later, now + month / 2, month, false).empty());
    CHECK(due_spans(later, now + month, month, false).size() == 1);
}

TEST_CASE("What is longest unread comes first; what a wrong clock has dated into the future is due") {
    using Numbers = std::vector<std::size_t>;
    const std::vector<VerifySpan> spans{span_since("a", std::chrono::hours(1)), span_since("b", month * 2),
                                        span_since("c", month + std::chrono::hours(1)),
                                        span_since("d", -month)};
    CHECK(due_spans(spans, now, month, false) == Numbers{1, 2, 3});
    CHECK(due_spans(spans, now, month, true) == Numbers{1, 2, 0, 3});
}

TEST_CASE("Small neighbours that were read at about the same time become one span") {
    std::vector<VerifySpan> spans{
        span_since("a", std::chrono::hours(3)), span_since("b", std::chrono::hours(4)),
        span_since("c", std::chrono::hours(400)), span_since("d", std::chrono::hours(401), 995),
        span_since("e", std::chrono::hours(401), 5)};
    const Joined joined = join_small(spans, month);
    CHECK(joined.gone == std::vector<std::string>{"a", "d"});
    REQUIRE(joined.come.size() == 2);
    CHECK(joined.come[0].last_key == "b");
    CHECK(joined.come[0].since == format_time(now - std::chrono::hours(4)));
    CHECK(joined.come[0].objects == 20);
    CHECK(joined.come[1].last_key == "e");
    CHECK(joined.come[1].objects == 1000);
    REQUIRE(spans.size() == 3);
    CHECK(spans[1].last_key == "c");
    CHECK(join_small(spans, month).gone.empty());
}
