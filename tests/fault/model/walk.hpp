#pragma once
#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/model/book.hpp"
#include "tests/fault/model/child.hpp"
#include "tests/fault/model/contents.hpp"
#include "tests/fault/model/sight.hpp"
#include "tests/fault/model/step.hpp"
#include "tests/fault/model/world.hpp"

namespace walferry::test::model {

/// One walk: takes steps with the real programs, and after each compares what is on disk with the book.
class Walk {
  public:
    Walk(bool encrypted, std::function<void(const std::string&)> tell);

    void take(const Step& step);
    /// Everything is fixed; two drains later nothing may be left over.
    void converge();

    void push_next(const Step& step);
    void push_again(const Step& step);
    void push_other(const Step& step);
    void push_without_ledger(const Step& step);
    void push_wrong(const Step& step);
    void new_timeline(const Step& step);
    void push_backup_label(const Step& step);
    void kill_push(const Step& step);
    void drain(const Step& step);
    void drain_part(const Step& step);
    void kill_drain(const Step& step);
    void drain_at_another_time(const Step& step);
    void drain_while_locked(const Step& step);
    void drain_onto_a_faulty_disk(const Step& step);
    void push_beside_drain(const Step& step);
    void drain_both(const Step& step);
    void store_down(const Step& step);
    void stores_back(const Step& step);
    void damage_object(const Step& step);
    void move_damaged_away(const Step& step);
    void lose_ledger(const Step& step);
    void damage_ledger(const Step& step);
    void rebuild(const Step& step);
    void plant(const Step& step);
    void remove_planted(const Step& step);
    void delete_by_hand(const Step& step);
    void settle(const Step& step);
    void add_store(const Step& step);
    void retire_store(const Step& step);
    void forget_store(const Step& step);
    void import(const Step& step);

  private:
    struct Position {
        unsigned timeline = 1, segment = 0;
    };
    /// How a drain is called.
    struct Call {
        std::size_t limit = 0;
        int only_store = -1;
        int jobs = 2;
        bool program = false;             // the real one, instead of a fork of this process
        std::vector<std::string> before;  // what it is run by
        int sound_links = -1;             // the object after so many comes out damaged; -1: none
        bool narrowed() const { return limit != 0 || only_store != -1; }
    };

    int writer_of(const Step& step) const { return step.a % 4 == 3 ? 1 : 0; }
    Position& position(int writer, const Step& step);
    int next_content(int writer, const Step& step);
    int known_content(int writer, unsigned choice) const;  // -1: none yet
    const LedgerSight& ledger(int writer) const {
        return now_.spools[static_cast<std::size_t>(writer)].ledger;
    }
    Writer& writer(int number) { return world_.writers[static_cast<std::size_t>(number)]; }

    void look(const Doing& doing = {});
    void tell(const std::string& text) { tell_(text); }
    int expected_import(int writer, int content, bool ledger_in_reach) const;
    void push(int writer, int content, bool ledger_in_reach = true);
    Child start_drain(int writer, const Call& call) const;
    void drain(int writer, const Call& call);
    void check_drain(int writer, const Call& call, const Ended& ended, const Sight& before, bool beside_push);
    void check_conflict_list(int writer);
    Ended run(int writer, const std::string& log, std::vector<std::string> words);
    void expect(const Ended& ended, const std::set<int>& codes, const std::string& doing);
    void push_lost_again(int writer);

    World world_;
    Contents contents_;
    Observer observer_;
    Book book_;
    std::function<void(const std::string&)> tell_;
    Sight now_;
    std::vector<std::array<Position, 2>> positions_;
    std::vector<std::vector<int>> pushed_;  // by writer
    std::vector<bool> damaged_ledger_;      // by writer
    std::set<std::string> planted_;
    int imports_ = 0;
    unsigned backups_ = 0;
};

}  // namespace walferry::test::model
