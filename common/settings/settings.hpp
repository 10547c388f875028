#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/program/configuration_path.hpp"
#include "common/settings/retention.hpp"

namespace walferry {

enum class StoreType { s3, directory };
enum class Addressing { path, virtual_host };

/// What a standby is told when a store does not answer (docs/restoring.md).
enum class StandbyRule { streaming, strict };

/// One [[store]] of the configuration. File names are as resolved: absolute.
struct StoreSettings {
    std::string name;
    StoreType type = StoreType::s3;
    std::string path;      // directory stores
    std::string endpoint;  // s3: scheme://host[:port], no trailing slash
    std::string region;
    std::string bucket;
    std::string prefix;  // may be empty; no slash at either end
    std::string credentials_file;
    std::string restore_credentials_file;
    Addressing addressing = Addressing::path;
    std::string ca_file;
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds silence_timeout{20000};
    int attempts = 4;
    std::uint64_t bandwidth_limit = 0;  // bytes per second, both directions each; 0: none
    bool allow_http = false;
    Retention retention;  // as it holds for this store
};

/// The configuration file, checked. Every key is declared once, in the table of settings_keys.cpp.
struct Settings {
    std::string file;  // where it was read from
    std::string cluster;
    std::string spool;
    int jobs = 0;  // resolved: at least 1
    std::string work_dir;
    std::chrono::milliseconds rpo{300'000};  // the most that may be lost with this host
    std::string server_conninfo;
    int compression_level = 3;
    std::vector<std::string> recipients;  // age1…, checked
    std::string identity_file;
    bool encrypt = true;  // false only where `none = true` was said
    std::string signing_key_file;
    std::vector<std::string> trusted_writers;
    std::chrono::milliseconds restore_timeout{60'000};
    StandbyRule standby = StandbyRule::streaming;
    int prefetch = 8;
    std::uint64_t prefetch_size = 0;  // bytes
    Retention retention;              // of stores that say nothing else
    std::chrono::milliseconds verify_every{};
    std::string verify_state;  // empty: the ledger
    std::vector<StoreSettings> stores;
};

/// Everything that is wrong with a file, one line each: "FILE:LINE:COLUMN: KEY: what and what would be
/// right". The settings are good for use only where the list is empty. Throws config where the file cannot be
/// read.
struct SettingsReport {
    Settings settings;
    std::vector<std::string> problems;
};
SettingsReport check_settings(const std::string& file);

/// The same, for everyone who needs good settings: throws config with the first problem and the number of
/// others.
Settings load_settings(const std::string& file);

/// The commented sample configuration, and the text of `walferry config --help`: from the same table.
std::string sample_settings();
std::string settings_help();

/// A configuration to be written: the values somebody chose, as they are to stand behind the key's name.
struct ChosenKey {
    std::string table, name;  // as in the table of keys
    std::vector<std::string> values;
    bool list = false;
};
struct ChosenStore {
    StoreType type;
    std::vector<ChosenKey> keys;
};
/// The commented file that holds them. Keys nobody chose stand behind a comment sign, of the stores only in
/// the first one. Texts only, which is all that anybody has to choose.
std::string compose_settings(const std::vector<ChosenKey>& keys, const std::vector<ChosenStore>& stores);

/// One key as help and manual describe it.
struct SettingsKeyText {
    std::string name;
    std::string form;         // what a value looks like: "text", "time: \"5s\" …"
    std::string without_key;  // "required", or what holds where it is left out
    std::string help;         // a sentence
};
/// A table of the file: [NAME], or the keys at the top; of [[store]] what all share, then what each type
/// adds.
struct SettingsTableText {
    std::string title, help;  // help may be empty
    std::vector<SettingsKeyText> keys;
};
std::vector<SettingsTableText> settings_texts();
/// Where relative file names are looked for, in a sentence.
std::string file_name_help();

/// The settings in force, defaults included, as TOML or as JSON. Holds no secret: the file may not either.
enum class SettingsFormat { toml, json };
std::string show_settings(const Settings& settings, SettingsFormat format);

}  // namespace walferry
