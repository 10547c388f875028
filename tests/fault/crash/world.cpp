#include "tests/fault/crash/world.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "tests/temp_dir.hpp"

namespace walferry::crash {
namespace {

namespace fs = std::filesystem;

void write(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

}  // namespace

std::uint16_t S3Server::port() const {
    return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

World::World(std::string where, std::string program_folder)
    : folder(std::move(where)),
      programs(std::move(program_folder)),
      root(folder + "/world"),
      store_place(root) {}

void World::begin() {
    segments.clear();
    ledger_was_corrupt = false;
    if (!fs::exists(identity())) {
        must({{programs + "/walferry", "keygen", "-o", identity()}, folder, output(), {}});
    }
    fs::create_directories(data() + "/global");
    fs::create_directory(data() + "/pg_wal");
    fs::create_directory(root + "/work");
    for (const char* name : {"a", "b"}) fs::create_directories(store(name));
    write(data() + "/global/pg_control", test::pg_control_bytes(test::sysid));
    write_configuration("first");
    must(walferry({"init", "--owner", std::to_string(::geteuid()), "--group", std::to_string(::getegid())}));
}

void World::write_configuration(const std::string& prefix) const {
    std::string key = test::read_file(identity());
    key = key.substr(key.find("age1"));
    std::string text = "cluster = \"main\"\nspool = " + quoted(spool().root) +
                       "\njobs = " + std::to_string(jobs) + "\nwork_dir = " + quoted(root + "/work") +
                       "\n[encryption]\nrecipients = [" + quoted(key.substr(0, key.find('\n'))) + "]\n";
    for (const std::string name : {"a", "b"}) {
        text += "[[store]]\nname = " + quoted(name) + "\n";
        if (s3 == nullptr || name == "a") {
            text += "type = \"directory\"\npath = " + quoted(store(name)) + "\n";
        } else {
            text += "type = \"s3\"\nendpoint = " + quoted(s3->endpoint) + "\nregion = " + quoted(s3->region) +
                    "\nbucket = " + quoted(s3->bucket) + "\nprefix = " + quoted(prefix) +
                    "\ncredentials_file = " + quoted(s3->credentials_file) + "\n";
        }
    }
    write(configuration(), text);
}

Segment& World::add(unsigned number) {
    return add_source(number, data() + "/pg_wal");
}

Segment& World::add_source(unsigned number, const std::string& source) {
    test::WalFile file;
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "0000000100000000000000%02X", number);
    file.name = name.data();
    file.seed = number;
    file.zero_tail = 0.3;
    fs::create_directories(source);
    const std::string path = file.write(source);
    const auto known = std::find_if(segments.begin(), segments.end(),
                                    [&](const Segment& segment) { return segment.file.name == file.name; });
    if (known == segments.end()) return segments.emplace_back(Segment{file, path});
    known->source = path;
    return *known;
}

Command World::push(const Segment& segment) const {
    return {{programs + "/walferry-archive-push", "--spool", spool().root, "pg_wal/" + segment.file.name},
            data(),
            output(),
            {}};
}

Command World::walferry(const std::vector<std::string>& arguments) const {
    Command command{{programs + "/walferry", "--config", configuration()}, folder, output(), {}};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return command;
}

Command World::drain() const {
    return walferry({"drain", "--jobs", std::to_string(jobs)});
}

void World::must(const Command& command) const {
    const Ending ending = run(command);
    if (ending.exit_code == 0) return;
    throw std::runtime_error("the preparation failed: " + command.argv[0] + " " + command.argv.back() +
                             " ended with " + std::to_string(ending.exit_code) + ": " + last_words(*this));
}

void World::archive(Segment& segment) const {
    must(push(segment));
    segment.archived = true;
}

std::string last_words(const World& world) {
    return test::read_file(world.output());
}

}  // namespace walferry::crash
