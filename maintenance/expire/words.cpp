#include "maintenance/expire/words.hpp"

#include <functional>
#include <memory>

#include "common/codec/expiry_mark.hpp"
#include "common/store/expiry_names.hpp"
#include "common/store/listing.hpp"
#include "maintenance/expire/expire_run.hpp"
#include "transfer/plain_object.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::expire {
namespace {

class Words {
  public:
    Words(const Settings& settings, const WordOptions& options)
        : settings_(settings), options_(options), writer_(writer_of(settings)) {
        for (const StoreSettings& store : settings.stores) open(store);
        require_backup();
    }

    /// Calls `say` for each store that answers; what it returns is a sentence.
    std::vector<WordReport> in_each(const std::function<std::string(ObjectStore&, const ObjectKeys&)>& say) {
        std::vector<WordReport> reports;
        for (Place& place : places_) {
            WordReport& report = reports.emplace_back();
            report.store = place.settings->name;
            report.problem = place.problem;
            if (report.problem) continue;
            try {
                report.text = say(*place.store, keys(*place.settings));
            } catch (const Error& error) {
                report.problem = error;
            }
        }
        return reports;
    }

    SeenHolds all_holds() {
        SeenHolds seen;
        for (Place& place : places_) {
            if (place.problem) continue;
            try {
                seen.add(read_holds(*place.store, keys(*place.settings), trust()));
            } catch (const Error& error) {
                place.problem = error;
            }
        }
        return seen;
    }

    BackupHold new_word() const {
        BackupHold hold;
        hold.cluster = settings_.cluster;
        hold.system_identifier = *system_identifier_;
        hold.backup = options_.backup;
        hold.made_at = format_time(wall_now());
        return hold;
    }

    void put(ObjectStore& store, const std::string& folder, const BackupHold& word) {
        const transfer::PlainObject object(hold_json(word));
        const HoldName name{word.backup, object.sha256().substr(0, 32)};
        transfer::put_verified(store, object.at(folder + name.text()),
                               {folder + name.text(), "say it again", options_.stop});
    }

    void sign(BackupHold& word) const {
        if (writer_) sign_hold(word, *writer_);
    }

  private:
    struct Place {
        const StoreSettings* settings;
        std::unique_ptr<ObjectStore> store;
        std::optional<Error> problem;
    };

    Trust trust() const { return {settings_.cluster, *system_identifier_, settings_.trusted_writers}; }

    ObjectKeys keys(const StoreSettings& store) const {
        return {store.prefix, settings_.cluster, *system_identifier_};
    }

    void open(const StoreSettings& store) {
        Place& place = places_.emplace_back();
        place.settings = &store;
        try {
            place.store = open_store(store, StoreAccess::write, nullptr, options_.stop);
            std::vector<std::uint64_t> clusters;
            if (options_.system_identifier)
                clusters.push_back(*options_.system_identifier);
            else
                clusters = clusters_in(*place.store, store, settings_.cluster);
            for (const std::uint64_t cluster : clusters) {
                const ObjectKeys keys(store.prefix, settings_.cluster, cluster);
                if (!place.store->list(keys.backup_directory(options_.backup), {}).objects.empty())
                    system_identifier_ = cluster;
            }
        } catch (const Error& error) {
            place.problem = error;
        }
    }

    void require_backup() const {
        if (system_identifier_) return;
        for (const Place& place : places_) {
            if (place.problem) throw *place.problem;
        }
        throw Error(ErrorKind::not_found, "no store has a backup " + options_.backup.text,
                    "`walferry backups` and `walferry expire --dry-run` show them");
    }

    const Settings& settings_;
    const WordOptions& options_;
    const std::unique_ptr<WriterKey> writer_;
    std::vector<Place> places_;
    std::optional<std::uint64_t> system_identifier_;
};

}  // namespace

std::vector<WordReport> hold(const Settings& settings, const WordOptions& options, const std::string& reason,
                             std::optional<WallTime> until) {
    Words words(settings, options);
    BackupHold word = words.new_word();
    word.reason = reason;
    if (until) word.until = format_time(*until);
    words.sign(word);
    return words.in_each([&](ObjectStore& store, const ObjectKeys& keys) {
        words.put(store, holds_directory(keys), word);
        return "backup " + options.backup.text + " is held" + (until ? " until " + word.until : "");
    });
}

std::vector<WordReport> release(const Settings& settings, const WordOptions& options) {
    Words words(settings, options);
    const SeenHolds seen = words.all_holds();
    std::vector<BackupHold> releases;
    for (const auto& [sha256, hold] : seen.holds) {
        if (hold.backup != options.backup || seen.released.contains(sha256)) continue;
        BackupHold& word = releases.emplace_back(words.new_word());
        word.releases = sha256;
        words.sign(word);
    }
    return words.in_each([&](ObjectStore& store, const ObjectKeys& keys) {
        for (const BackupHold& word : releases) words.put(store, releases_directory(keys), word);
        return releases.empty() ? "backup " + options.backup.text + " is not held"
                                : "backup " + options.backup.text + " is released";
    });
}

std::vector<WordReport> take_back(const Settings& settings, const WordOptions& options) {
    Words words(settings, options);
    return words.in_each([&](ObjectStore& store, const ObjectKeys& keys) {
        std::uint64_t removed = 0;
        const std::string folder = marks_directory(keys) + options.backup.text + "-";
        std::vector<std::string> marks;
        for (const ObjectInfo& info : Listing(store, folder)) marks.push_back(info.key);
        for (const std::string& key : marks) {
            for (const ObjectVersion& version : store.list_versions(key, {}, {}).versions) {
                if (version.key == key) store.remove_version(key, version.id);
            }
            ++removed;
        }
        return removed == 0 ? "backup " + options.backup.text + " is not marked"
                            : "the mark on backup " + options.backup.text +
                                  " is taken back; the next run marks it again unless the backup is held or "
                                  "the retention keeps it";
    });
}

}  // namespace walferry::expire
