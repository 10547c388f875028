#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "common/error.hpp"
#include "common/os/fd.hpp"
#include "common/settings/settings.hpp"
#include "console/outcome.hpp"
#include "tests/fault/model/broken.hpp"
#include "tests/fault/model/faulty_disk.hpp"
#include "tests/fault/model/walk.hpp"
#include "uploader/drain/drain.hpp"

namespace walferry::test::model {

using namespace console;
using namespace drain;
namespace {

// As the program does it, without what it takes to start one.
int drain_in_this_process(const std::string& config, DrainOptions options, int jobs) {
    const auto say = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    try {
        Settings settings = load_settings(config);
        settings.jobs = jobs;
        Outcome outcome(say);
        const DrainResult result =
            Drain(settings, std::move(options), outcome, {}).run([](const Drain::Viewer&) {});
        return result.exit_code;
    } catch (const Error& error) {
        say(error.what());
        return traits(error.kind()).exit_code;
    }
}

/// Which exit codes can be explained: the worst of what must show, or of that and what may show.
std::set<int> explained(const std::set<int>& must_show, const std::set<int>& may_show) {
    const auto worst = [](const std::set<int>& codes) {
        for (const int code : {2, 3, 1, 5, 4}) {
            if (codes.contains(code)) return code;
        }
        return 0;
    };
    std::set<int> codes{worst(must_show)};
    for (const int code : may_show) {
        std::set<int> with = must_show;
        with.insert(code);
        codes.insert(worst(with));
    }
    return codes;
}

}  // namespace

Child Walk::start_drain(int number, const Call& call) const {
    const Writer& host = world_.writers[static_cast<std::size_t>(number)];
    const std::string log = world_.log("drain-" + host.name);
    if (call.program || !call.before.empty()) {
        std::vector<std::string> words{"drain", "--jobs", std::to_string(call.jobs)};
        if (call.limit != 0) words.insert(words.end(), {"--limit", std::to_string(call.limit)});
        if (call.only_store != -1) {
            words.insert(words.end(),
                         {"--store", world_.stores[static_cast<std::size_t>(call.only_store)].name});
        }
        auto argv = world_.walferry(host, words);
        argv.insert(argv.begin(), call.before.begin(), call.before.end());
        return Child(log, argv);
    }
    DrainOptions options;
    if (call.limit != 0) options.limit = call.limit;
    if (call.only_store != -1)
        options.only_stores = {world_.stores[static_cast<std::size_t>(call.only_store)].name};
    return Child(log, [config = host.config, options, jobs = call.jobs, sound_links = call.sound_links] {
        flip_a_bit_after(sound_links);
        return drain_in_this_process(config, options, jobs);
    });
}

void Walk::drain(int number, const Call& call) {
    const Sight before = now_;
    const Ended ended = start_drain(number, call).finish();
    Doing done;
    done.draining.insert(number);
    done.faulty_disk = call.sound_links != -1;
    look(done);
    check_drain(number, call, ended, before, false);
}

// The code must follow from what is on disk afterwards.
void Walk::check_drain(int number, const Call& call, const Ended& ended, const Sight& before,
                       bool beside_push) {
    const auto index = static_cast<std::size_t>(number);
    const auto& was = before.spools[index];
    const auto& is = now_.spools[index];
    const Writer& host = writer(number);
    std::set<int> must_show;
    std::set<int> may_show;
    if (damaged_ledger_[index]) {
        expect(ended, {1}, "drain of " + host.name + " with a damaged ledger");
        must(ended.said.find("rebuild") != std::string::npos, "a damaged ledger's way out is named",
             ended.said);
        must(is.files == was.files || beside_push, "without a ledger nothing is deleted", host.name);
        return;
    }
    for (const auto& [id, conflict] : is.ledger.conflicts) {
        // Where no store answers nothing can be judged; a later run raises it.
        const bool judged = std::any_of(host.stores.begin(), host.stores.end(), [&](int store) {
            return !world_.stores[static_cast<std::size_t>(store)].down;
        });
        if (!conflict.settled)
            (was.ledger.conflicts.contains(id) || !judged ? may_show : must_show).insert(3);
    }
    for (const auto& [id, row] : is.ledger.segments) {
        const std::string path = host.spool + "/ready/" + row.directory + "/" + row.name;
        const bool there = is.contents.contains(contents_.labelled(row.label()));
        // Another content may have the name: then it is found missing when that has left.
        if (row.in_spool && !there && !is.ledger.verified_everywhere(row))
            (beside_push || is.files.contains(path) ? may_show : must_show).insert(3);
    }
    if (!is.unknown.empty()) (call.narrowed() ? may_show : must_show).insert(3);
    if (!is.foreign.empty()) must_show.insert(1);
    for (const int store : host.stores) {
        const auto& earlier = before.stores[static_cast<std::size_t>(store)].objects;
        for (const auto& [key, object] : now_.stores[static_cast<std::size_t>(store)].objects) {
            if (!object.whole && call.sound_links != -1 && !earlier.contains(key)) must_show.insert(3);
            // What a push brings meanwhile may be met as well.
            if (!object.whole && (beside_push || was.contents.contains(contents_.labelled(object.label()))))
                may_show.insert(3);
        }
    }
    const auto pending = [&](const std::string& label) {
        const LedgerSight::Segment* row = is.ledger.labelled(label);
        return std::any_of(host.stores.begin(), host.stores.end(), [&](int store) {
            if (call.only_store != -1 && call.only_store != store) return false;
            return row == nullptr ||
                   !row->verified.contains(world_.stores[static_cast<std::size_t>(store)].name);
        });
    };
    for (const int content : is.contents) {
        if (pending(contents_[content].label()))
            (call.limit != 0 || beside_push ? may_show : must_show).insert(4);
    }
    if (!is.unknown.empty()) may_show.insert(4);
    std::string doing = "drain of " + host.name;
    if (call.limit != 0) doing += " --limit " + std::to_string(call.limit);
    if (call.only_store != -1)
        doing += " --store " + world_.stores[static_cast<std::size_t>(call.only_store)].name;
    expect(ended, explained(must_show, may_show), doing);
    if (ended.exit_code == 0 && !call.narrowed() && !beside_push)
        must(is.contents.empty(), "a drain that ends with 0 leaves nothing behind", host.name);
}

void Walk::drain(const Step& step) {
    Call call;
    call.jobs = 1 + static_cast<int>(step.c % 4);
    call.program = step.d % 4 == 0;
    drain(writer_of(step), call);
}

void Walk::drain_part(const Step& step) {
    const int number = writer_of(step);
    const auto& stores = writer(number).stores;
    Call call;
    call.program = step.d % 4 == 0;
    if (step.b % 3 != 0) call.limit = 1 + step.b % 4;
    if (step.b % 3 != 1) call.only_store = stores[step.c % stores.size()];
    drain(number, call);
}

void Walk::kill_drain(const Step& step) {
    const int number = writer_of(step);
    Call call;
    call.jobs = 1 + static_cast<int>(step.c % 4);
    call.program = step.d % 4 == 0;
    Child child = start_drain(number, call);
    child.kill_after(step.b % (call.program ? 50'000 : 25'000));
    const Ended ended = child.finish();
    tell("a drain of " + writer(number).name + " is killed" +
         (ended.signal == 0 ? ": it was done, exit " + std::to_string(ended.exit_code) : ""));
    Doing done;
    done.draining.insert(number);
    look(done);
}

void Walk::drain_at_another_time(const Step& step) {
    Call call;
    const std::string days = std::to_string(1 + step.b % 3000) + "d";
    call.before = {"faketime", "-f", (step.c % 2 == 0 ? "+" : "-") + days};
    tell("the clock says " + call.before.back());
    drain(writer_of(step), call);
}

void Walk::drain_while_locked(const Step& step) {
    const int number = writer_of(step);
    const Fd lock(::open(writer(number).spool.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    must(::flock(lock.get(), LOCK_EX | LOCK_NB) == 0, "a lock ends with its process", writer(number).spool);
    Call call;
    call.program = true;  // a fork would hold the lock as well
    const Sight before = now_;
    expect(start_drain(number, call).finish(), {5}, "drain beside another one");
    look();
    must(now_.spools[static_cast<std::size_t>(number)].files ==
             before.spools[static_cast<std::size_t>(number)].files,
         "a drain that does not get the lock changes nothing", writer(number).name);
}

// Whatever comes out damaged, reading it back must show it.
void Walk::drain_onto_a_faulty_disk(const Step& step) {
    const int number = writer_of(step);
    Call call;
    call.sound_links = static_cast<int>(step.b % 4);
    tell("the disk will flip a bit");
    drain(number, call);
}

void Walk::push_beside_drain(const Step& step) {
    const int number = writer_of(step);
    const Sight before = now_;
    const Call call;
    Child child = start_drain(number, call);
    Doing done;
    done.draining.insert(number);
    for (unsigned i = 0; i <= step.c % 3; ++i) {
        const auto& spooled = now_.spools[static_cast<std::size_t>(number)].contents;
        int content = 0;
        if ((step.d >> i) % 2 == 0 && i < spooled.size()) {
            content = *std::next(spooled.begin(), i);
        } else {
            content = next_content(number, step);
        }
        const Ended ended =
            Child(world_.log("push"), world_.push(writer(number), contents_[content])).finish();
        std::set<int> codes{0};
        // It may come and go, and PostgreSQL tries again; or the drain adopts what the ledger did not know.
        if (spooled.contains(content)) codes.insert({0, 1});
        expect(ended, codes, "push of " + contents_[content].label() + " beside a drain");
        pushed_[static_cast<std::size_t>(number)].push_back(content);
        book_.may_store_again(number, content);
        if (ended.exit_code == 0) done.accepted.insert({number, content});
    }
    const Ended ended = child.finish();
    look(done);
    check_drain(number, call, ended, before, true);
}

void Walk::drain_both(const Step&) {
    const Sight before = now_;
    Child first = start_drain(0, {});
    Child second = start_drain(1, {});
    const Ended first_ended = first.finish();
    const Ended second_ended = second.finish();
    Doing done;
    done.draining = {0, 1};
    look(done);
    check_drain(0, {}, first_ended, before, false);
    check_drain(1, {}, second_ended, before, false);
}

}  // namespace walferry::test::model
