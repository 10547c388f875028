#include <algorithm>

#include "common/settings/settings.hpp"
#include "common/settings/settings_reader.hpp"
#include "common/store/s3_address.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace walferry::fuzz {
namespace {

void check_accepted(const Settings& settings) {
    must(!settings.cluster.empty() && !settings.spool.empty() && !settings.stores.empty() &&
             settings.jobs >= 1,
         "good settings name a cluster, a spool and a store");
    must(settings.encrypt == !settings.recipients.empty(),
         "what is not to be stored in plain has a recipient");
    for (const StoreSettings& store : settings.stores) {
        must(store.attempts >= 1 && store.connect_timeout.count() > 0 && store.silence_timeout.count() > 0,
             "every wait is bounded");
        if (store.type == StoreType::directory) continue;
        must(error_of([&] { S3Address{store}; }).empty(), "a store whose settings are good has an address");
    }
    // The settings in force are a configuration of the same meaning.
    const std::string shown = show_settings(settings, SettingsFormat::toml);
    const SettingsReport again = parse_settings(shown, settings.file, "");
    must(again.problems.empty(), "the settings in force can be read");
    must(show_settings(again.settings, SettingsFormat::toml) == shown, "the settings in force mean the same");
    must(!show_settings(settings, SettingsFormat::json).empty(),
         "the settings in force can be shown as JSON");
}

}  // namespace

void check(Bytes input) {
    const MemoryFile file(input);
    SettingsReport report;
    const std::string error = error_of([&] { report = check_settings(file.path()); });
    must(error.empty(), "a small file can be read");
    for (const std::string& problem : report.problems) {
        must(problem.starts_with(file.path()), "a problem names the file");
        must(std::none_of(problem.begin(), problem.end(),
                          [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
             "a problem is one line");
    }
    const SettingsReport twin = parse_settings(as_text(input), file.path(), "");
    must(twin.problems == report.problems, "a file is read as its text is");
    must(error_of([&] { load_settings(file.path()); }).empty() == report.problems.empty(),
         "settings load exactly if there is no problem");
    if (report.problems.empty()) check_accepted(report.settings);
}

std::vector<std::string> seeds() {
    const std::string head = "cluster=\"main\"\nspool=\"/var/spool/w\"\n";
    const std::string s3 =
        "[[store]]\nname=\"a\"\ntype=\"s3\"\nendpoint=\"https://"
        "s3.example.com\"\nregion=\"auto\"\nbucket=\"wal\"\n"
        "prefix=\"p/q\"\ncredentials_file=\"c\"\n";
    const std::string nas = "[[store]]\nname=\"n\"\ntype=\"directory\"\npath=\"/mnt/nas\"\n";
    const std::string plain = "[encryption]\nnone=true\n";
    return {
        sample_settings(),
        head + plain + nas,
        head + "jobs=2\nwork_dir=\"/var/tmp\"\n[compression]\nlevel=19\n" + plain + s3 +
            "addressing=\"virtual\"\nconnect_timeout=\"500ms\"\nsilence_timeout=9\nattempts=3\nbandwidth_"
            "limit="
            "\"10MiB\"\nallow_http=true\nca_file=\"/ca.pem\"\nrestore_credentials_file='r'\n",
        head + plain + s3 + nas + "silence_timeout=\"1h\"\n",
        head + "[encryption]\nrecipients=[\"age1" + std::string(58, 'q') +
            "\"]\n[signing]\nkey_file=\"k\"\n" + nas,
        head + "encryption={none=true}\nstore=[{name='n',type='directory',path='/x'}]\n",
        head + plain +
            "[[store]]\nname=\"a\"\ntype=\"s3\"\nendpoint=\"https://S3.Example.com:443/\"\nregion=\"auto\"\n"
            "bucket=\"w.al\"\ncredentials_file=\"c\"\n",
        "cluster=1\nspool=1979-05-27T07:32:00Z\nx=[1,[2,[3]]]\n",
        "a.b.c={d=\"\\u00e9\\U0001F600\"}\n'''",
        "[[a]]\n[a.b]\n"};
}

}  // namespace walferry::fuzz
