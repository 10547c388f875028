#include "archive/verdict.hpp"

#include "tests/catch.hpp"

using namespace walferry;
using namespace walferry::archive;

namespace {

const std::string a(32, 'a');
const std::string b(32, 'b');
const std::string c(32, 'c');
const WalName segment = *WalName::parse("000000010000000000000007");
const WalName history = *WalName::parse("00000002.history");
const WalName backup_label = *WalName::parse("000000010000000000000007.00000028.backup");

StoreAnswer has(std::vector<std::string> contents, std::set<std::string> settled = {}) {
    StoreAnswer answer;
    answer.answered = true;
    for (const std::string& content : contents)
        answer.objects.push_back({segment.text, content, "01234567", std::string(32, '0'), true});
    answer.settled = std::move(settled);
    return answer;
}
StoreAnswer has_later() {
    StoreAnswer answer = has({});
    answer.later = "000000010000000000000009";
    return answer;
}
const StoreAnswer silent;

}  // namespace

TEST_CASE("What the stores say together is found, absent, a gap, unknown, or two contents", "[fetch]") {
    using Kind = Verdict::Kind;
    struct Row {
        const char* what;
        std::vector<StoreAnswer> answers;
        Kind kind;
        std::string content;
    };
    const Row rows[] = {
        {"both have it", {has({a}), has({a})}, Kind::found, a},
        {"one has it, encoded twice", {has({a, a}), has({})}, Kind::found, a},
        {"one has it and the other is silent", {silent, has({a})}, Kind::found, a},
        {"a later one matters only where it is nowhere", {has({a}), has_later()}, Kind::found, a},
        {"nobody has it", {has({}), has({})}, Kind::absent, ""},
        {"nobody of those who answered has it", {has({}), silent}, Kind::unknown, ""},
        {"a silent store might have it, gap or not", {has_later(), silent}, Kind::unknown, ""},
        {"one has a later one", {has({}), has_later()}, Kind::gap, ""},
        {"each has another", {has({a}), has({b})}, Kind::several, ""},
        {"one has two", {has({a, b})}, Kind::several, ""},
        {"settled in one store", {has({a}), has({b}, {b})}, Kind::found, b},
        {"settled, and the right one's store is silent", {has({a}, {b}), silent}, Kind::several, ""},
        {"settled for what no store has: it counts for nothing", {has({}, {b}), has({})}, Kind::absent, ""},
        {"settled for what no store has, and one content is there", {has({a}, {b}), has({})}, Kind::found, a},
        {"settled for what no store has, beside a conflict", {has({a}, {b}), has({c})}, Kind::several, ""},
        {"settled for what a silent store may have", {has({}, {b}), silent}, Kind::unknown, ""},
        {"settled for one that is there, and for none", {has({a}, {a, b}), has({c})}, Kind::found, a},
        {"settled twice, differently", {has({a}, {a}), has({b}, {b})}, Kind::several, ""},
        {"settled, and only that is there", {has({a}, {a})}, Kind::found, a},
        {"what a silent store says does not count",
         {has({a}), StoreAnswer{false, has({b}).objects, {b}, {}, {}}},
         Kind::found,
         a},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        const Verdict verdict = judge(segment, row.answers);
        CHECK(static_cast<int>(verdict.kind) == static_cast<int>(row.kind));
        CHECK(verdict.content == row.content);
    }
    CHECK(judge(segment, std::vector{has_later()}).detail == "000000010000000000000009");
}

TEST_CASE("What was settled is kept to while a store is not asked that may have it", "[fetch]") {
    const auto kind = [](std::vector<StoreAnswer> answers) { return judge(segment, answers, false).kind; };
    CHECK(kind({has({a}, {b})}) == Verdict::Kind::several);
    CHECK(kind({has({}, {b})}) == Verdict::Kind::several);
    CHECK(kind({has({a}, {a})}) == Verdict::Kind::found);
}

TEST_CASE("Segments of a timeline make its missing history a gap, but no base backup's label", "[fetch]") {
    CHECK(judge(history, std::vector{has_later()}).kind == Verdict::Kind::gap);
    CHECK(judge(backup_label, std::vector{has_later()}).kind == Verdict::Kind::absent);
}
