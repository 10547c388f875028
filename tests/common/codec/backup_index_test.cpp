#include "common/codec/backup_index.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/codec/backup_begin.hpp"
#include "common/codec/zstd_text.hpp"
#include "common/error.hpp"
#include "common/store/object_name.hpp"
#include "tests/catch.hpp"
#include "tests/kind_of.hpp"

using namespace walferry;
using walferry::test::kind_of;

namespace {

const std::string id = "20261124T121314Z-1a2b3c4d";

std::string key_of(const std::string& part) {
    return "backup/" + id + "/" + part + "-" + std::string(32, 'f') + "-deadbeef-" + std::string(32, '0') +
           ".zst.age";
}

BackupIndex sample() {
    BackupIndex index;
    index.id = {id};
    index.cluster = "main";
    index.system_identifier = 7301234567890123456;
    index.pg_version = 15;
    index.segment_size = 16 << 20;
    index.timeline = 2;
    index.first_segment = "000000020000000000000042";
    index.last_segment = "000000020000000000000043";
    index.started_at = "2026-01-31T09:05:07.123Z";
    index.stopped_at = "2026-01-31T09:15:07.123Z";
    index.size = 70'000'000;
    index.complete = true;
    index.objects = {{key_of("base.00000000"), 20'000'000},
                     {key_of("base.00000001"), 1'000},
                     {key_of("label"), 700},
                     {key_of("manifest.00000000"), 900}};
    return index;
}

BackupBegin sample_begin() {
    return {{id}, "main", 7301234567890123456, "000000020000000000000042", "2026-01-31T09:05:07.123Z",
            {},   {}};
}

bool goes_through(const std::function<void()>& action) {
    try {
        action();
        return true;
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::integrity);
        return false;
    }
}

}  // namespace

TEST_CASE("An index survives its JSON, signed and unsigned, and tells what a listing does") {
    BackupIndex index = sample();
    CHECK(parse_backup_index(backup_index_json(index)) == index);
    CHECK(index.object_size() == 20'002'600);
    sign_index(index, WriterKey::generate());
    CHECK(parse_backup_index(backup_index_json(index)) == index);
    const std::string frame = compress_text(backup_index_json(index));
    CHECK(expand_text(as_bytes(frame), max_backup_index_size) == backup_index_json(index));
}

TEST_CASE("An index that makes no sense is refused") {
    const std::vector<std::pair<const char*, std::function<void(BackupIndex&)>>> rows{
        {"no label", [](BackupIndex& i) { i.objects.erase(i.objects.begin() + 2); }},
        {"two labels",
         [](BackupIndex& i) {
             i.objects.insert(i.objects.begin() + 3, {key_of("label-"), 1});
         }},
        {"another backup's label",
         [](BackupIndex& i) {
             for (auto& object : i.objects) object.key.replace(7, 8, "20250101");
         }},
        {"keys out of order", [](BackupIndex& i) { std::swap(i.objects[0], i.objects[1]); }},
        {"a key twice", [](BackupIndex& i) { i.objects.insert(i.objects.begin(), i.objects[0]); }},
        {"WAL as a piece",
         [](BackupIndex& i) {
             i.objects.push_back({"wal/00000002/x", 1});
         }},
        {"a way out of the folder",
         [](BackupIndex& i) {
             i.objects.push_back({"backup/" + id + "/z/../../x", 1});
         }},
        {"no object", [](BackupIndex& i) { i.objects.clear(); }},
        {"a segment of another timeline", [](BackupIndex& i) { i.last_segment[7] = '3'; }},
        {"the end before the beginning", [](BackupIndex& i) { i.last_segment.back() = '1'; }},
        {"a stop before the start", [](BackupIndex& i) { i.stopped_at = "2025-01-31T09:15:07.123Z"; }},
        {"a history file", [](BackupIndex& i) { i.first_segment = "00000002.history"; }},
        {"no timeline", [](BackupIndex& i) { i.timeline = 0; }},
        {"an odd segment size", [](BackupIndex& i) { i.segment_size = 3 << 20; }},
        {"a signature without a writer", [](BackupIndex& i) { i.signature = "x"; }},
    };
    for (const auto& [what, change] : rows) {
        INFO(what);
        BackupIndex index = sample();
        change(index);
        CHECK(kind_of([&, &i = index] { (void)backup_index_json(i); }) == ErrorKind::integrity);
    }
    const std::string text = backup_index_json(sample());
    const auto refused = [](const std::string& json) {
        return kind_of([&] { (void)parse_backup_index(json); }) == ErrorKind::integrity;
    };
    nlohmann::json json = nlohmann::json::parse(text);
    const nlohmann::json whole = json;
    for (auto field = whole.begin(); field != whole.end(); ++field) {
        INFO(field.key());
        nlohmann::json without = whole;
        without.erase(field.key());
        CHECK(refused(without.dump()));
    }
    json["walferry_backup_index"] = 2;
    CHECK(refused(json.dump()));
    CHECK(refused("[]"));
    CHECK(refused(text.substr(0, text.size() / 2)));
}

TEST_CASE("An index counts with a trusted writer's signature over all that it says") {
    const WriterKey ours = WriterKey::generate();
    const WriterKey theirs = WriterKey::generate();
    const auto accepted = [](const BackupIndex& index, const std::vector<std::string>& writers) {
        return goes_through([&] { check_signature(index, writers); });
    };
    BackupIndex index = sample();
    CHECK(accepted(index, {}));
    CHECK_FALSE(accepted(index, {ours.public_key()}));
    sign_index(index, ours);
    CHECK(accepted(index, {ours.public_key()}));
    CHECK(accepted(index, {}));
    CHECK_FALSE(accepted(index, {theirs.public_key()}));
    const std::vector<std::function<void(BackupIndex&)>> changes{
        [](BackupIndex& i) { i.id.text.back() = 'e'; },
        [](BackupIndex& i) { i.cluster = "other"; },
        [](BackupIndex& i) { ++i.system_identifier; },
        [](BackupIndex& i) { ++i.pg_version; },
        [](BackupIndex& i) { i.segment_size *= 2; },
        [](BackupIndex& i) { ++i.timeline; },
        [](BackupIndex& i) { i.first_segment.back() = '1'; },
        [](BackupIndex& i) { i.last_segment.back() = '9'; },
        [](BackupIndex& i) { i.started_at[0] = '1'; },
        [](BackupIndex& i) { i.stopped_at[0] = '3'; },
        [](BackupIndex& i) { ++i.size; },
        [](BackupIndex& i) { i.complete = false; },
        [](BackupIndex& i) { i.objects.pop_back(); },
        [](BackupIndex& i) { ++i.objects[1].size; },
        [](BackupIndex& i) { i.objects[1].key.back() = 'f'; },
        [&](BackupIndex& i) { i.writer = theirs.public_key(); },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO(i);
        BackupIndex changed = index;
        changes[i](changed);
        CHECK_FALSE(accepted(changed, {}));
    }
}

TEST_CASE("What says that a backup is being made survives its JSON, and counts by its signature") {
    BackupBegin begin = sample_begin();
    CHECK(parse_backup_begin(backup_begin_json(begin)) == begin);
    const WriterKey ours = WriterKey::generate();
    sign_begin(begin, ours);
    CHECK(parse_backup_begin(backup_begin_json(begin)) == begin);
    const auto accepted = [&](const BackupBegin& each) {
        return goes_through([&] { check_signature(each, {ours.public_key()}); });
    };
    CHECK(accepted(begin));
    CHECK_FALSE(accepted(sample_begin()));
    const std::vector<std::function<void(BackupBegin&)>> changes{
        [](BackupBegin& b) { b.id.text.back() = 'e'; }, [](BackupBegin& b) { b.cluster += "x"; },
        [](BackupBegin& b) { ++b.system_identifier; }, [](BackupBegin& b) { b.first_segment.back() = '9'; },
        [](BackupBegin& b) { b.begun_at[0] = '3'; }};
    for (const auto& change : changes) {
        BackupBegin changed = begin;
        change(changed);
        CHECK_FALSE(accepted(changed));
    }
    begin = sample_begin();
    begin.first_segment = "00000002.history";
    CHECK(kind_of([&] { (void)backup_begin_json(begin); }) == ErrorKind::integrity);
    CHECK(kind_of([] { (void)parse_backup_begin(std::string(5000, ' ')); }) == ErrorKind::integrity);
}

TEST_CASE("The frame of an index is taken whole, of a size that it says, and no larger") {
    const std::string text(100'000, 'x');
    const std::string frame = compress_text(text);
    CHECK(frame.size() < 1000);
    CHECK(expand_text(as_bytes(frame), text.size()) == text);
    const auto refused = [](const std::string& bytes, std::size_t most) {
        return kind_of([&] { (void)expand_text(as_bytes(bytes), most); }) == ErrorKind::integrity;
    };
    CHECK(refused(frame, text.size() - 1));
    CHECK(refused(frame.substr(0, frame.size() - 1), text.size()));
    CHECK(refused(frame + "x", text.size()));
    CHECK(refused("", text.size()));
    CHECK(refused("no frame at all", text.size()));
    std::string damaged = frame;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    CHECK(refused(damaged, text.size()));
}

TEST_CASE("The names of an index and of a beginning are taken to the letter") {
    const std::string hash(32, 'a');
    CHECK(IndexName::parse("index-" + hash + ".json.zst") == IndexName{hash});
    CHECK(BeginName::parse("begin-" + hash + ".json") == BeginName{hash});
    CHECK(IndexName{hash}.text() == "index-" + hash + ".json.zst");
    CHECK(BeginName{hash}.text() == "begin-" + hash + ".json");
    for (const std::string& wrong :
         {"index-" + hash + ".json", "index-" + hash + "a.json.zst", "Index-" + hash + ".json.zst",
          "index-" + std::string(32, 'A') + ".json.zst", std::string("index-.json.zst"), std::string()})
        CHECK_FALSE(IndexName::parse(wrong));
    CHECK_FALSE(BeginName::parse("begin-" + hash + ".json.zst"));
}
