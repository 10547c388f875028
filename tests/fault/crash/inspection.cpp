#include "tests/fault/crash/inspection.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "common/ledger/sqlite.hpp"
#include "tests/fault/crash/stores.hpp"
#include "tests/fault/crash/touch.hpp"
#include "tests/temp_dir.hpp"

namespace walferry::crash {
namespace {

namespace fs = std::filesystem;

class Inspector {
  public:
    explicit Inspector(const World& world) : world_(world), settings_(load_settings(world.configuration())) {
        decoding_.identities = load_identities(world.identity());
        for (const Segment& segment : world.segments) {
            Whereabouts& where = found_.segments[segment.file.name];
            where.source = fs::exists(segment.source);
            for (const StoreSettings& store : settings_.stores) where.stores[store.name];
        }
    }

    Inspection look() {
        look_at_spool();
        for (const StoreSettings& store : settings_.stores) look_at_store(store);
        look_at_ledger();
        for (const Segment& segment : world_.segments) judge(segment);
        return std::move(found_);
    }

  private:
    void wrong(const std::string& what) { found_.wrong.push_back(what); }

    const Segment* segment_named(const std::string& name) const {
        const auto at = std::find_if(world_.segments.begin(), world_.segments.end(),
                                     [&](const Segment& segment) { return segment.file.name == name; });
        return at == world_.segments.end() ? nullptr : &*at;
    }

    void look_at_mode(const fs::path& path, mode_t mode) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) return;
        // SQLite makes its two beside the database and then sets their modes; as long as one is empty,
        // whoever opens it sees to that.
        if (status.st_size == 0 && path.string().find("ledger.db-") != std::string::npos) return;
        if ((status.st_mode & 07777) != mode || status.st_uid != ::getuid() || status.st_gid != ::getgid())
            wrong(shown(path.lexically_relative(world_.root)) + " has another mode or owner");
    }

    void look_at_spool() {
        const SpoolPaths spool = world_.spool();
        for (const std::string& part : {spool.ready(), spool.tmp(), spool.ledger_directory()})
            look_at_mode(part, spool_mode::shared_directory);
        for (const auto& entry : fs::recursive_directory_iterator(spool.ready())) {
            const std::string name = entry.path().filename();
            const Segment* segment = segment_named(name);
            if (entry.is_directory() && entry.path() == spool.ready(test::sysid)) continue;
            if (segment == nullptr || entry.path().parent_path() != spool.ready(test::sysid)) {
                wrong("ready/ has " + entry.path().string());
            } else if (test::read_file(entry.path()) != segment->file.bytes()) {
                wrong(shown(name) + " is in the spool, but not whole");
            } else {
                look_at_mode(entry.path(), spool_mode::segment);
                found_.segments[name].spooled = true;
            }
        }
        for (const auto& entry : fs::directory_iterator(spool.tmp())) {
            ++found_.left_over;
            if (entry.path().filename().string().front() != '.')
                wrong("tmp/ has " + entry.path().filename().string());
        }
    }

    void look_at_store(const StoreSettings& store) {
        const StoreContent content = content_of(store);
        found_.left_over += content.left_over;
        for (const auto& [key, bytes] : content.objects) {
            try {
                const Opened opened = open_object(key, bytes, decoding_);
                const Segment* segment = segment_named(opened.segment);
                if (segment == nullptr || opened.bytes != segment->file.bytes())
                    throw std::runtime_error("holds something else");
                ++found_.segments[opened.segment].stores[store.name].objects;
            } catch (const std::exception& error) {
                wrong("store " + store.name + ": " + shown(key) + " " + error.what());
            }
        }
    }

    void look_for_corrupt_one() {
        const auto files = fs::directory_iterator(world_.spool().ledger_directory());
        if (std::none_of(begin(files), end(files), [](const fs::directory_entry& entry) {
                return test::read_file(entry.path()).find(World::corruption) != std::string::npos;
            }))
            wrong("the damaged ledger was not kept");
    }

    void look_at_ledger() {
        if (world_.ledger_was_corrupt) look_for_corrupt_one();
        const std::string copy = world_.folder + "/ledger-copy";
        fs::remove_all(copy);
        if (!fs::exists(world_.spool().ledger())) {
            found_.ledger = Inspection::LedgerIs::missing;
            return;
        }
        for (const char* suffix : {"", "-wal", "-shm"})
            look_at_mode(world_.spool().ledger() + suffix, spool_mode::ledger);
        fs::copy(world_.spool().ledger_directory(), copy);
        try {
            sqlite::Database database(copy + "/ledger.db", {});
            if (database.integer("SELECT count(*) FROM sqlite_schema") == 0) {
                found_.ledger = Inspection::LedgerIs::empty;
                return;
            }
            read(database);
        } catch (const std::exception& error) {
            // One that was unreadable from the start may still be, until `rebuild` has set it aside.
            found_.ledger = Inspection::LedgerIs::damaged;
            if (!world_.ledger_was_corrupt) wrong(error.what());
        }
    }

    void read(sqlite::Database& database) {
        sqlite::Statement check(database, "PRAGMA integrity_check");
        while (check.step()) {
            if (check.text(0) != "ok") throw std::runtime_error("the ledger: " + check.text(0));
        }
        sqlite::Statement segments(database, "SELECT name, removed_at IS NOT NULL FROM segment");
        while (segments.step()) {
            Whereabouts& where = found_.segments[segments.text(0)];
            if (std::exchange(where.row, true)) wrong(shown(segments.text(0)) + " has two rows");
            where.removed = segments.integer(1) != 0;
        }
        sqlite::Statement uploads(database,
                                  "SELECT s.name, t.name, u.state, u.attempts FROM upload u "
                                  "JOIN segment s ON s.id = u.segment JOIN store t ON t.id = u.store");
        while (uploads.step()) {
            auto& in_store = found_.segments[uploads.text(0)].stores[uploads.text(1)];
            in_store.state = uploads.text(2);
            in_store.attempts = static_cast<int>(uploads.integer(3));
        }
        if (database.integer("SELECT count(*) FROM conflict") != 0) wrong("the ledger has a conflict");
    }

    void judge(const Segment& segment) {
        const Whereabouts& where = found_.segments[segment.file.name];
        const std::string name = shown(segment.file.name);
        for (const auto& [store, in_store] : where.stores) {
            if (in_store.state == "verified" && in_store.objects == 0)
                wrong(name + " is verified in " + store + " and not there");
        }
        if (where.spooled) return;
        if (where.removed && !world_.ledger_was_corrupt && !where.recorded_in_every_store())
            wrong(name + " was removed too early");
        const bool safe =
            where.whole_in_every_store() && (world_.ledger_was_corrupt || where.recorded_in_every_store());
        if (segment.archived && !safe) wrong(name + " was archived and is lost");
        if (!segment.archived && !where.source && !safe) wrong(name + " lost its source too early");
    }

    const World& world_;
    const Settings settings_;
    DecodeOptions decoding_;
    Inspection found_;
};

}  // namespace

bool Whereabouts::whole_in_every_store() const {
    return std::all_of(stores.begin(), stores.end(), [](const auto& at) { return at.second.objects > 0; });
}

bool Whereabouts::recorded_in_every_store() const {
    return std::all_of(stores.begin(), stores.end(),
                       [](const auto& at) { return at.second.state == "verified"; });
}

std::string Inspection::summary() const {
    std::string text;
    if (ledger == LedgerIs::missing) text = "no ledger; ";
    if (ledger == LedgerIs::damaged) text = "damaged ledger; ";
    if (ledger == LedgerIs::empty) text = "ledger without content; ";
    for (const auto& [name, where] : segments) {
        std::string line;
        if (where.spooled) line += " spooled";
        if (where.removed) {
            line += " removed";
        } else if (where.row) {
            line += " row";
        }
        for (const auto& [store, at] : where.stores) {
            const std::string word = !at.state.empty() && at.state != "pending" ? at.state
                                     : at.objects > 0                           ? "sent"
                                     : at.attempts > 0                          ? "begun"
                                                                                : "";
            if (!word.empty()) line += " " + store + ":" + word;
            if (at.objects > 1) line += "×" + std::to_string(at.objects);
        }
        if (!where.source) line += " source gone";
        if (!line.empty()) text += shown(name) + line + "; ";
    }
    if (left_over > 0) text += "a temporary file; ";
    return text.empty() ? "nothing yet" : text.substr(0, text.size() - 2);
}

Inspection inspect(const World& world) {
    return Inspector(world).look();
}

Inspection inspect_end(const World& world, int objects_allowed) {
    Inspection found = inspect(world);
    const auto wrong = [&](const std::string& what) { found.wrong.push_back("at the end: " + what); };
    if (found.left_over > 0) wrong("temporary files are left");
    if (found.ledger != Inspection::LedgerIs::there) wrong("there is no ledger");
    for (const auto& [full_name, where] : found.segments) {
        const std::string name = shown(full_name);
        if (where.spooled) wrong(name + " is stuck in the spool");
        // A rebuilt ledger has what was only listed as stored: nothing is left that could be deleted for it,
        // and what is still spooled is put once more.
        const bool recorded = std::all_of(where.stores.begin(), where.stores.end(), [&](const auto& at) {
            return at.second.state == "verified" || (world.ledger_was_corrupt && at.second.state == "stored");
        });
        if (!where.removed || !recorded) wrong("the ledger does not say that of " + name);
        for (const auto& [store, at] : where.stores) {
            if (at.objects == 0) wrong(name + " is not in " + store);
            if (at.objects > objects_allowed + (world.ledger_was_corrupt ? 1 : 0))
                wrong(name + " is doubled in " + store);
        }
    }
    return found;
}

}  // namespace walferry::crash
