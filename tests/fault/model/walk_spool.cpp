#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/fault/model/broken.hpp"
#include "tests/fault/model/walk.hpp"

namespace fs = std::filesystem;

namespace walferry::test::model {
namespace {

std::size_t files_in(const std::string& directory) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator{}));
}

}  // namespace

void Walk::lose_ledger(const Step& step) {
    const int number = writer_of(step);
    fs::remove(writer(number).ledger());
    // The write-ahead file alone is worth nothing.
    if (step.b % 3 != 0) {
        for (const char* suffix : {"-wal", "-shm"}) fs::remove(writer(number).ledger() + suffix);
    }
    tell("the ledger of " + writer(number).name + " is lost");
    damaged_ledger_[static_cast<std::size_t>(number)] = false;
    Doing done;
    done.ledger_replaced.insert(number);
    look(done);
}

void Walk::damage_ledger(const Step& step) {
    const int number = writer_of(step);
    const std::string path = writer(number).ledger();
    if (!ledger(number).there) return;
    {
        const std::string noise(fs::file_size(path), static_cast<char>(1 + step.b % 255));
        std::ofstream(path, std::ios::binary | std::ios::trunc) << noise;
    }
    if (fs::exists(path + "-wal")) fs::resize_file(path + "-wal", 0);
    tell("the ledger of " + writer(number).name + " is damaged");
    damaged_ledger_[static_cast<std::size_t>(number)] = true;
    Doing done;
    done.ledger_replaced.insert(number);
    look(done);
}

void Walk::rebuild(const Step& step) {
    const int number = writer_of(step);
    const auto index = static_cast<std::size_t>(number);
    const Writer& host = writer(number);
    const std::size_t files = files_in(host.spool + "/ledger");
    const bool anew = step.b % 4 == 1;
    const bool damaged = damaged_ledger_[index];
    const Sight before = now_;
    std::vector<std::string> words{"rebuild"};
    if (anew) words.emplace_back("--anew");
    const Ended ended = run(number, "rebuild", words);
    damaged_ledger_[index] = false;
    Doing done;
    if (damaged || anew) done.ledger_replaced.insert(number);
    look(done);
    const auto& is = now_.spools[index];
    std::set<int> causes{0};
    bool conflict = false;
    for (const auto& [id, row] : is.ledger.conflicts)
        conflict = conflict ||
                   (!row.settled && (damaged || anew || !before.spools[index].ledger.conflicts.contains(id)));
    const bool down = std::any_of(host.stores.begin(), host.stores.end(), [&](int store) {
        return world_.stores[static_cast<std::size_t>(store)].down;
    });
    if (conflict) {
        causes = {3};
    } else if (!is.foreign.empty()) {
        causes = {1};
    } else if (down) {
        causes = {4};
    }
    // What earlier runs could not judge because no store answered.
    for (const auto& [id, row] : is.ledger.conflicts) {
        if (!row.settled) causes.insert(3);
    }
    // Conflicts that are settled already, and files whose name stands for something else in a sound ledger.
    if (!is.unknown.empty()) causes.insert(3);
    expect(ended, causes, std::string(anew ? "rebuild --anew" : "rebuild") + " for " + host.name);
    must(is.files == before.spools[index].files, "rebuild touches no segment", host.name);
    must(!damaged || files_in(host.spool + "/ledger") > files, "a damaged ledger is kept aside", host.name);
    for (const int store : host.stores) {
        if (world_.stores[static_cast<std::size_t>(store)].down) continue;
        for (const auto& [key, object] : now_.stores[static_cast<std::size_t>(store)].objects) {
            must(is.ledger.labelled(object.label()) != nullptr, "a rebuilt ledger knows what the stores hold",
                 key);
        }
    }
}

void Walk::plant(const Step& step) {
    const int number = writer_of(step);
    const std::string folder = writer(number).spool + "/ready/7301234567890123456";
    fs::create_directories(folder);
    std::string path = folder + "/000000FF000000000000000" + std::to_string(step.b % 4);
    if (step.b % 4 == 0) path += ".partial";
    if (fs::symlink_status(path).type() != fs::file_type::not_found) return;
    switch (step.b % 4) {
        case 0:
            fs::create_symlink("/etc/hostname", path);
            break;
        case 1:
            if (::mkfifo(path.c_str(), 0660) != 0) return;
            break;
        case 2: {
            path = folder + "/notes.txt";
            std::ofstream(path) << "who wrote this?\n";
            break;
        }
        default: {
            std::ofstream(path) << "no WAL at all\n";
            break;
        }
    }
    planted_.insert(path);
    tell("somebody plants " + path);
    look();
}

void Walk::remove_planted(const Step&) {
    Doing done;
    for (const std::string& path : planted_) {
        if (::unlink(path.c_str()) == 0) tell("what was planted goes: " + path);
        done.removed_by_hand.insert(path);
    }
    planted_.clear();
    look(done);
}

void Walk::delete_by_hand(const Step& step) {
    const int number = writer_of(step);
    const auto& spooled = now_.spools[static_cast<std::size_t>(number)].contents;
    if (spooled.empty()) return;
    const int content = *std::next(spooled.begin(), step.b % spooled.size());
    std::string path = writer(number).file(contents_[content]);
    if (const std::string second = path + "-" + contents_[content].fingerprint; fs::exists(second))
        path = second;
    fs::remove(path);
    tell("somebody deletes " + path);
    Doing done;
    done.removed_by_hand.insert(path);
    look(done);
}

void Walk::import(const Step& step) {
    const int number = writer_of(step);
    const std::string folder = world_.dir / ("legacy" + std::to_string(imports_++));
    fs::create_directory(folder);
    std::ofstream(folder + "/README") << "no WAL\n";
    const bool knows = ledger(number).there;
    std::map<std::string, int> offered;
    for (unsigned i = 0; i <= step.b % 4; ++i) {
        const int known = known_content(number, step.c + i);
        int content = known;
        if (known < 0 || (step.d >> i) % 2 == 0) {
            content = next_content(number, step);
        } else if ((step.d >> i) % 8 == 1) {
            const Content twin = contents_[known];
            content = contents_.number(twin.system_identifier, twin.name, twin.variant + 1);
        }
        const Content& taken = contents_[content];
        if (taken.name.size() != 24 || !offered.emplace(taken.name, content).second) continue;
        std::ofstream(folder + "/" + taken.name, std::ios::binary) << taken.bytes;
    }
    std::map<int, int> expected;
    std::set<int> codes{0};
    for (const auto& [name, content] : offered) {
        expected[content] = expected_import(number, content, true);
        if (expected[content] == 3) codes = {3};
        if (now_.spools[static_cast<std::size_t>(number)].contents.contains(content) && knows &&
            ledger(number).labelled(contents_[content].label()) == nullptr)
            book_.may_store_again(number, content);
    }
    const bool keep = step.c % 3 == 0;
    std::vector<std::string> words{"import", folder};
    if (keep) words.emplace_back("--keep");
    Child child(world_.log("import"), world_.walferry(writer(number), words));
    const bool killed = step.a % 5 == 0;
    if (killed) child.kill_after(step.d % 40'000);
    const Ended ended = child.finish();
    Doing done;
    for (const auto& [content, code] : expected) {
        const bool left = !fs::exists(folder + "/" + contents_[content].name);
        if (left || (code == 0 && ended.exit_code >= 0)) done.accepted.insert({number, content});
        must(!left || (code == 0 && !keep), "import removes only what is safe", contents_[content].label());
        must(left || killed || keep || code == 3, "import takes what push would", contents_[content].label());
        if (code == 0) pushed_[static_cast<std::size_t>(number)].push_back(content);
    }
    if (killed && ended.signal != 0) {
        tell("an import is killed");
    } else {
        expect(ended, codes, "import of " + std::to_string(offered.size()) + " segments");
    }
    must(fs::exists(folder + "/README"), "import leaves alone what is no WAL", folder);
    look(done);
}

}  // namespace walferry::test::model
