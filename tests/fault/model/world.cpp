#include "tests/fault/model/world.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "tests/fault/model/child.hpp"
#include "tests/places.hpp"

namespace fs = std::filesystem;

namespace walferry::test::model {

bool Writer::configured(int store) const {
    return std::find(stores.begin(), stores.end(), store) != stores.end();
}

std::string Writer::file(const Content& content) const {
    return spool + "/ready/" + content.directory() + "/" + content.name;
}

World::World(bool encrypted) {
    if (encrypted) {
        identity = dir / "identity.txt";
        const Ended made =
            Child(log("keygen"), {program_path("walferry"), "keygen", "-o", identity}).finish();
        const std::string text = read_file(identity);
        const std::string mark = "public key: ";
        const std::size_t at = text.find(mark);
        if (made.exit_code != 0 || at == text.npos) throw std::runtime_error("keygen: " + made.said);
        recipient_ = text.substr(at + mark.size(), text.find('\n', at) - at - mark.size());
    }
    fs::create_directory(dir / "pg_wal");
    fs::create_directory(dir / "work");
    add_store();
    add_store();
    add_writer("first");
    add_writer("second");
}

int World::add_store() {
    StorePlace store;
    store.name = "store" + std::to_string(stores.size());
    store.path = dir / store.name;
    fs::create_directory(store.path);
    stores.push_back(std::move(store));
    return static_cast<int>(stores.size()) - 1;
}

void World::add_writer(const std::string& name) {
    Writer writer{name, dir / ("spool-" + name), dir / (name + ".toml"), {0, 1}};
    write_config(writer);
    const Ended made = Child(log("init"), walferry(writer, {"init", "--owner", std::to_string(::geteuid()),
                                                            "--group", std::to_string(::getegid())}))
                           .finish();
    if (made.exit_code != 0) throw std::runtime_error("init: " + made.said);
    writers.push_back(std::move(writer));
}

void World::write_config(const Writer& writer) const {
    std::string text = "cluster = \"main\"\nspool = \"" + writer.spool + "\"\njobs = 2\nwork_dir = \"" +
                       (dir / "work") + "\"\n[encryption]\n";
    text += identity.empty() ? "none = true\n" : "recipients = [\"" + recipient_ + "\"]\n";
    for (const int store : writer.stores) {
        const StorePlace& place = stores[static_cast<std::size_t>(store)];
        text +=
            "[[store]]\nname = \"" + place.name + "\"\ntype = \"directory\"\npath = \"" + place.path + "\"\n";
    }
    dir.write(fs::path(writer.config).filename(), text);
}

void World::set_down(int store, bool down) {
    StorePlace& place = stores[static_cast<std::size_t>(store)];
    if (place.down == down) return;
    fs::rename(down ? place.path : place.path + ".away", down ? place.path + ".away" : place.path);
    place.down = down;
}

std::string World::write_source(const Content& content) const {
    return dir.write("pg_wal/" + content.directory() + "/" + content.name, content.bytes);
}

std::vector<std::string> World::walferry(const Writer& writer, std::vector<std::string> words) const {
    words.insert(words.begin(), {program_path("walferry"), "--config", writer.config});
    return words;
}

std::vector<std::string> World::push(const Writer& writer, const Content& content) const {
    return {program_path("walferry-archive-push"),
            "--spool",
            writer.spool,
            "--system-identifier",
            content.directory(),
            write_source(content)};
}

}  // namespace walferry::test::model
