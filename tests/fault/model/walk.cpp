#include "tests/fault/model/walk.hpp"

#include "tests/fault/model/broken.hpp"

namespace walferry::test::model {

Walk::Walk(bool encrypted, std::function<void(const std::string&)> tell)
    : world_(encrypted),
      observer_(world_, contents_),
      book_(world_, contents_),
      tell_(std::move(tell)),
      now_(observer_.look()),
      positions_(world_.writers.size()),
      pushed_(world_.writers.size()),
      damaged_ledger_(world_.writers.size(), false) {}

void Walk::take(const Step& step) {
    (this->*step_kinds()[step.kind].take)(step);
}

void Walk::look(const Doing& doing) {
    Sight after = observer_.look();
    book_.compare(now_, after, doing);
    now_ = std::move(after);
}

Ended Walk::run(int number, const std::string& log, std::vector<std::string> words) {
    return Child(world_.log(log), world_.walferry(writer(number), std::move(words))).finish();
}

void Walk::expect(const Ended& ended, const std::set<int>& codes, const std::string& doing) {
    std::string wanted;
    for (const int code : codes) wanted += (wanted.empty() ? "" : " or ") + std::to_string(code);
    tell(doing + ": exit " + std::to_string(ended.exit_code));
    must(codes.contains(ended.exit_code), "exit codes are as documented",
         doing + " ended with " + std::to_string(ended.exit_code) +
             (ended.signal != 0 ? " by signal " + std::to_string(ended.signal) : "") + ", not " + wanted +
             "; it said: " + ended.said);
}

void Walk::push_lost_again(int number) {
    std::set<int> lost;
    for (const auto& [id, row] : ledger(number).segments) {
        const int content = contents_.labelled(row.label());
        if (row.in_spool && !now_.spools[static_cast<std::size_t>(number)].contents.contains(content))
            lost.insert(content);
    }
    for (const int content : lost) {
        tell("what was deleted by hand is pushed again");
        push(number, content);
    }
}

void Walk::converge() {
    stores_back({});
    remove_planted({});
    move_damaged_away({});
    for (int i = 0; i < static_cast<int>(world_.writers.size()); ++i) {
        if (damaged_ledger_[static_cast<std::size_t>(i)]) rebuild({0, i == 0 ? 0U : 3U, 0, 0, 0});
    }
    const auto everyone_drains = [this] {
        for (int i = 0; i < static_cast<int>(world_.writers.size()); ++i) drain(i, {});
    };
    everyone_drains();
    everyone_drains();  // exit 3 is checked to have its reason: only what is lost by hand is left
    for (int i = 0; i < static_cast<int>(world_.writers.size()); ++i) push_lost_again(i);
    everyone_drains();  // what comes back may be in conflict
    for (int i = 0; i < static_cast<int>(world_.writers.size()); ++i) {
        must(now_.spools[static_cast<std::size_t>(i)].files.empty(), "in the end the spool is empty",
             writer(i).name);
        expect(run(i, "last-drain", {"drain"}), {0}, "the last drain of " + writer(i).name);
    }
    observer_.forget();
    Doing drained;
    drained.draining = {0, 1};
    look(drained);
    for (int i = 0; i < static_cast<int>(world_.writers.size()); ++i) check_conflict_list(i);
}

}  // namespace walferry::test::model
