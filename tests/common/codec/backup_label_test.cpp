#include "common/codec/backup_label.hpp"

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/backup_sample.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

bool refused(const std::string& json) {
    try {
        parse_backup_label(json);
    } catch (const Error& error) {
        return error.kind() == ErrorKind::integrity;
    }
    return false;
}

nlohmann::json sample_json() {
    return nlohmann::json::parse(backup_label_json(sample_label()));
}

}  // namespace

TEST_CASE("a backup's label survives its JSON") {
    const BackupLabel label = sample_label();
    CHECK(parse_backup_label(backup_label_json(label)) == label);
    CHECK(label.size() == backup_piece_size + 5 + 3 + 2 + 4);
    CHECK(label.stream("16384")->pieces.size() == 1);
    CHECK(label.stream("16385") == nullptr);
    const auto json = sample_json();
    CHECK(json["start_lsn"] == "0/2000028");
    CHECK(json["system_identifier"] == "7301234567890123456");
    CHECK(json["hba_file"] == "/etc/postgresql/15/main/pg_hba.conf");
    CHECK_FALSE(json.contains("ident_file"));
}

TEST_CASE("a label says more in a later version and is still read") {
    auto json = sample_json();
    json["later"] = {{"id", 1}};
    json["streams"][0]["later"] = nullptr;
    CHECK(parse_backup_label(json.dump()) == sample_label());
    json["walferry_backup"] = 3;
    CHECK(refused(json.dump()));
    json["walferry_backup"] = 1;
    CHECK(refused(json.dump()));
}

TEST_CASE("a label that is refused says why") {
    const auto why = [](const char* pointer, const nlohmann::json& value) -> std::string {
        auto json = sample_json();
        json[nlohmann::json::json_pointer(pointer)] = value;
        try {
            parse_backup_label(json.dump());
        } catch (const Error& error) {
            return error.message();
        }
        return "";
    };
    CHECK(why("/walferry_backup", 1).find("it has format 1, and this version of walferry reads format 2") !=
          std::string::npos);
    CHECK(why("/tablespaces/0/location", "pg_tblspc/1").find("its tablespace's location is malformed") !=
          std::string::npos);
}

TEST_CASE("a label without one of its fields is refused") {
    const auto whole = sample_json();
    for (const auto& [name, value] : whole.items()) {
        if (name == "config_file" || name == "hba_file") continue;
        auto json = whole;
        json.erase(name);
        INFO(name);
        CHECK(refused(json.dump()));
        json[name] = {{"nested", true}};
        CHECK(refused(json.dump()));
        CHECK(refused("{\"" + name + "\":" + value.dump() + "," + whole.dump().substr(1)));
    }
    const std::string good = backup_label_json(sample_label());
    for (std::size_t length = 0; length + 2 < good.size(); ++length) CHECK(refused(good.substr(0, length)));
}

TEST_CASE("a label whose parts do not fit together is refused") {
    const auto with = [](const std::string& pointer, const nlohmann::json& value) {
        auto json = sample_json();
        json[nlohmann::json::json_pointer(pointer)] = value;
        return json.dump();
    };
    CHECK_FALSE(refused(with("/cluster", "other")));
    CHECK(refused(with("/id", "20261124T121314Z")));
    CHECK(refused(with("/timeline", 0)));
    CHECK(refused(with("/stop_lsn", "0/1")));
    CHECK(refused(with("/start_lsn", "2000028")));
    CHECK(refused(with("/started_at", "yesterday")));
    CHECK(refused(with("/segment_size", 3 << 20)));
    CHECK(refused(with("/system_identifier", "07")));
    CHECK(refused(with("/pg_version_num", 140005)));
    CHECK(refused(with("/data_directory", "relative")));
    CHECK(refused(with("/data_directory_mode", "0777")));
    CHECK(refused(with("/data_directory_mode", "700")));
    CHECK(refused(with("/settings/max_connections", 100)));
    CHECK(refused(with("/settings", nlohmann::json::array())));
    CHECK(refused(with("/missing/0", "")));
    CHECK(refused(with("/replication_slots", "standby_1")));
    CHECK(refused(with("/missing", "")));
    CHECK(refused(with("/tablespaces/0/location", "pg_tblspc/16385")));
    CHECK_FALSE(refused(with("/tablespaces/0/location", "pg_tblspc/16384")));
    CHECK(refused(with("/tablespaces", nlohmann::json::array())));
    CHECK(refused(with("/tablespaces/0/location", "../x")));
    CHECK(refused(with("/tablespaces/0/oid", 16385)));
    CHECK(refused(with("/config_files", nlohmann::json::array())));
    CHECK(refused(with("/config_files/0", "postgresql.conf")));
    CHECK(refused(with("/streams/0/name", "../base")));
    CHECK(refused(with("/streams/0/name", "manifest")));
    CHECK(refused(with("/streams/0/size", 1)));
    CHECK(refused(with("/streams/0/pieces", nlohmann::json::array())));
    CHECK(refused(with("/streams/0/pieces/0/size", 5)));
    CHECK(refused(with("/streams/0/pieces/1/size", backup_piece_size + 1)));
    CHECK(refused(with("/streams/0/pieces/0/sha256", std::string(32, 'b'))));
    CHECK(refused(with("/streams/0/pieces/0/fingerprint", "xyz")));
    CHECK(refused(with("/streams/0/pieces/0/object_size", 0)));
}

TEST_CASE("paths that are not UTF-8 survive a label's JSON, in one form only") {
    BackupLabel label = sample_label();
    label.data_directory = "/caf\xe9";
    label.tablespaces[0].name = "\xff";
    label.tablespaces[0].location = "/not/\xff/utf-8";
    label.config_files[0] = label.config_file = "/etc/\xe9.conf";
    label.missing = {"base/\xe9"};
    const std::string text = backup_label_json(label);
    CHECK(parse_backup_label(text) == label);
    auto json = nlohmann::json::parse(text);
    CHECK(json["data_directory"] == nlohmann::json{{"base64", "L2NhZuk"}});
    json["data_directory"] = {{"base64", "L2NhZg"}};  // "/caf" has no business there
    CHECK(refused(json.dump()));
    json["data_directory"] = {{"base64", "L2NhZuk="}};
    CHECK(refused(json.dump()));
}

TEST_CASE("a label that could not be read back is not written") {
    BackupLabel label = sample_label();
    label.missing = {""};
    CHECK_THROWS_AS(backup_label_json(label), Error);
    label = sample_label();
    label.streams.pop_back();
    CHECK_THROWS_AS(backup_label_json(label), Error);
}
