#include <cstdio>
#include <filesystem>

#include "tests/fault/model/broken.hpp"
#include "tests/fault/model/walk.hpp"

namespace fs = std::filesystem;

namespace walferry::test::model {
namespace {

constexpr std::array<std::uint64_t, 2> clusters{7301234567890123456, 42};

std::string wal_name(unsigned timeline, unsigned segment, const std::string& end = "") {
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "%08X00000000%08X", timeline, segment);
    return name.data() + end;
}

}  // namespace

Walk::Position& Walk::position(int writer, const Step& step) {
    return positions_[static_cast<std::size_t>(writer)][step.b % 8 == 0 ? 1 : 0];
}

// Both writers count from the same beginning, so that they archive the same segments, and sometimes others.
int Walk::next_content(int writer, const Step& step) {
    Position& at = position(writer, step);
    ++at.segment;
    return contents_.number(clusters[step.b % 8 == 0 ? 1 : 0], wal_name(at.timeline, at.segment),
                            writer == 1 && step.c % 5 == 0 ? 1 : 0);
}

int Walk::known_content(int writer, unsigned choice) const {
    const auto& pushed = pushed_[static_cast<std::size_t>(writer)];
    return pushed.empty() ? -1 : pushed[choice % pushed.size()];
}

int Walk::expected_import(int number, int content, bool ledger_in_reach) const {
    const auto& spool = now_.spools[static_cast<std::size_t>(number)];
    const Content& pushed = contents_[content];
    const bool knows = ledger_in_reach && spool.ledger.there;
    const bool row = knows && spool.ledger.labelled(pushed.label()) != nullptr;
    const bool other = knows && !row && spool.ledger.knows_name(pushed.directory(), pushed.name);
    const auto spooled = spool.files.find(world_.writers[static_cast<std::size_t>(number)].file(pushed));
    if (spooled != spool.files.end() && spooled->second != pushed.sha256) return 3;
    return other ? 3 : 0;
}

void Walk::push(int number, int content, bool ledger_in_reach) {
    const Content& pushed = contents_[content];
    const int expected = 0;  // a second content is spooled beside the first
    const bool spooled = now_.spools[static_cast<std::size_t>(number)].contents.contains(content);
    const bool knows = ledger_in_reach && ledger(number).there;
    const Ended ended = Child(world_.log("push"), world_.push(writer(number), pushed)).finish();
    const std::string doing = "push of " + pushed.label() + " by " + writer(number).name;
    expect(ended, {expected}, doing);
    Doing done;
    if (expected == 0) {
        done.accepted.insert({number, content});
        pushed_[static_cast<std::size_t>(number)].push_back(content);
        // A row that a push makes has no attempts yet, whatever an earlier ledger knew of some.
        if (spooled && knows && ledger(number).labelled(pushed.label()) == nullptr)
            book_.may_store_again(number, content);
        must(knows == (ended.said.find("warning") == std::string::npos),
             "push says when the ledger will learn of a segment later", doing + " said: " + ended.said);
    } else {
        must(!ended.said.empty(), "a refusal is said", doing);
    }
    const bool was_verified = knows && ledger(number).labelled(pushed.label()) != nullptr &&
                              ledger(number).verified_everywhere(*ledger(number).labelled(pushed.label()));
    look(done);
    const bool is_spooled = now_.spools[static_cast<std::size_t>(number)].contents.contains(content);
    must(expected != 0 || is_spooled || (was_verified && !spooled), "what push accepts is in the spool",
         doing);
    must(expected != 0 || !knows || ledger(number).labelled(pushed.label()) != nullptr,
         "push tells the ledger", doing);
}

void Walk::push_next(const Step& step) {
    const int number = writer_of(step);
    push(number, next_content(number, step));
}

void Walk::push_again(const Step& step) {
    const int number = writer_of(step);
    const auto& spooled = now_.spools[static_cast<std::size_t>(number)].contents;
    if (step.b % 2 == 0 && !spooled.empty()) {
        push(number, *std::next(spooled.begin(), step.c % spooled.size()));
    } else if (const int content = known_content(number, step.c); content >= 0) {
        push(number, content);
    }
}

void Walk::push_other(const Step& step) {
    const int number = writer_of(step);
    const int content = known_content(number, step.b);
    if (content < 0) return;
    const Content known = contents_[content];
    push(number, contents_.number(known.system_identifier, known.name, known.variant + 1 + step.c % 2));
}

void Walk::push_without_ledger(const Step& step) {
    const int number = writer_of(step);
    const int known = known_content(number, step.c);
    int content = known < 0 || step.b % 3 != 0 ? next_content(number, step) : known;
    if (step.b % 6 == 0) {
        const Content other = contents_[content];
        content = contents_.number(other.system_identifier, other.name, other.variant + 1);
    }
    const std::string folder = writer(number).spool + "/ledger";
    fs::rename(folder, folder + ".away");
    // The book looks at the ledger after the push: it is back by then.
    struct Back {
        std::string folder;
        ~Back() { fs::rename(folder + ".away", folder); }
    };
    const int expected = 0;
    Ended ended;
    {
        const Back back{folder};
        ended = Child(world_.log("push"), world_.push(writer(number), contents_[content])).finish();
    }
    expect(ended, {expected}, "push of " + contents_[content].label() + " without the ledger");
    Doing done;
    if (expected == 0) {
        done.accepted.insert({number, content});
        pushed_[static_cast<std::size_t>(number)].push_back(content);
        must(ended.said.find("warning") != std::string::npos,
             "push says when the ledger will learn of a segment later", ended.said);
    }
    look(done);
    must(expected != 0 || now_.spools[static_cast<std::size_t>(number)].contents.contains(content),
         "what push accepts is in the spool", contents_[content].label());
}

void Walk::push_wrong(const Step& step) {
    const int number = writer_of(step);
    Content content = contents_[contents_.number(clusters[0], wal_name(0xAA, 1 + step.b % 4), 0)];
    if (step.c % 2 == 0) {
        content.bytes.resize(4096 + step.b % 4096);
    } else {
        content.system_identifier = clusters[1];
    }
    expect(Child(world_.log("push"), world_.push(writer(number), content)).finish(), {3},
           "push of what is not what its name says");
    look();
}

void Walk::new_timeline(const Step& step) {
    const int number = writer_of(step);
    Position& at = position(number, step);
    const std::uint64_t cluster = clusters[step.b % 8 == 0 ? 1 : 0];
    push(number, contents_.number(cluster, wal_name(at.timeline, at.segment + 1, ".partial"), 0));
    ++at.timeline;
    std::array<char, 32> history{};
    std::snprintf(history.data(), history.size(), "%08X.history", at.timeline);
    push(number, contents_.number(cluster, history.data(), 0));
}

void Walk::push_backup_label(const Step& step) {
    const int number = writer_of(step);
    const Position& at = position(number, step);
    push(number, contents_.number(clusters[step.b % 8 == 0 ? 1 : 0],
                                  wal_name(at.timeline, at.segment + 1, ".00000028.backup"), backups_++ % 3));
}

void Walk::kill_push(const Step& step) {
    const int number = writer_of(step);
    const int known = known_content(number, step.d);
    const int content = known >= 0 && step.c % 4 == 0 ? known : next_content(number, step);
    Child child(world_.log("push"), world_.push(writer(number), contents_[content]));
    child.kill_after(step.d % 6000);
    const Ended ended = child.finish();
    tell("a push of " + contents_[content].label() + " is killed" +
         (ended.signal == 0 ? ": it was done, exit " + std::to_string(ended.exit_code) : ""));
    // PostgreSQL will try again: it is one of those that come again.
    pushed_[static_cast<std::size_t>(number)].push_back(content);
    Doing done;
    if (ended.exit_code == 0) done.accepted.insert({number, content});
    if (now_.spools[static_cast<std::size_t>(number)].contents.contains(content))
        book_.may_store_again(number, content);
    look(done);
}

}  // namespace walferry::test::model
