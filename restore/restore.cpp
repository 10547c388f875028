#include "restore/restore.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <set>

#include "archive/object_read.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/shell_word.hpp"
#include "common/wal/lsn.hpp"
#include "restore/checked_unpack.hpp"
#include "restore/configuration_files.hpp"
#include "restore/outlook.hpp"
#include "restore/piece_stream.hpp"
#include "restore/recovery_file.hpp"
#include "restore/restore_command.hpp"
#include "restore/restore_decision.hpp"
#include "restore/restore_places.hpp"
#include "restore/server_access.hpp"
#include "restore/server_configuration.hpp"
#include "restore/start_advice.hpp"
#include "restore/tablespace_map.hpp"
#include "server/programs.hpp"
#include "server/server_user.hpp"
#include "server/setting_line.hpp"

namespace walferry::restore {
namespace {

// In the data directory's tar, but not written as they are: without PG_VERSION no server starts, the signals
// say what kind of recovery another server was told to do, and the others name places on the old host.
constexpr const char* version_file = "PG_VERSION";
constexpr const char* map_file = "tablespace_map";
constexpr std::array held_back{version_file,           map_file,          "postgresql.conf",
                               "postgresql.auto.conf", "recovery.signal", "standby.signal"};

constexpr std::uint64_t longest_manifest = std::uint64_t{1} << 30;

std::string read_whole(ByteSource& source, std::uint64_t limit) {
    std::string text;
    for (Bytes bytes = source.next(); !bytes.empty(); bytes = source.next()) {
        if (text.size() + bytes.size() > limit)
            throw Error(ErrorKind::integrity, "the backup's manifest is larger than any");
        text.append(as_text(bytes));
    }
    return text;
}

class Restore {
  public:
    Restore(const Settings& settings, const RestoreOptions& options)
        : settings_(settings), options_(options), user_(server::find_server_user(options.owner)) {}

    RestoreReport run() {
        check_access(user_, settings_, wanted_stores());
        {
            const server::ActingAs acting(user_);
            choose();
        }
        find_room();
        describe_plan();
        if (options_.dry_run) return std::move(report_);
        make_places();
        {
            const server::ActingAs acting(user_);
            unpack();
            set_up_server();
            finish();
        }
        advise();
        return std::move(report_);
    }

  private:
    const BackupLabel& label() const { return decision_.choice.backup->label; }
    int major_version() const { return label().pg_version_num / 10000; }

    std::vector<std::string> wanted_stores() const {
        std::vector<std::string> names;
        for (const StoreSettings* store : select_stores(settings_, options_.stores))
            names.push_back(store->name);
        return names;
    }

    void choose() {
        decision_ = decide_restore(settings_, options_);
        report_.backup = label().id.text;
        report_.timeline = decision_.choice.reach.timeline;
        report_.target = describe(options_.wish.as_far_as_possible ? decision_.target : options_.wish.target);
        report_.user = user_.name;
        report_.notes = decision_.notes;
    }

    /// Those that answered and are not left out.
    std::vector<std::string> stores_to_use() const {
        std::vector<std::string> names;
        for (const archive::ArchiveSurvey::Store& store : decision_.survey->stores()) {
            if (!store.trouble) names.push_back(store.settings->name);
        }
        return names;
    }

    void find_room() {
        const auto [of_backup, of_replay] = split_mappings(options_.tablespaces, label(), decision_.late);
        places_ = find_places(label(), options_.to, of_backup);
        late_ = find_late_places(decision_.late, places_, of_replay);
        check_reachable(places_, user_);
        check_room(places_, label());
        report_.data_directory = places_.data_directory;
        for (const BackupLabel::Tablespace& each : label().tablespaces) {
            if (!each.in_place())
                report_.tablespaces.emplace_back(each.location, places_.tablespaces.at(each.oid));
        }
        set_restore_command();
    }

    /// Only the operator leaves a store out: one that is silent now may be all that knows of later WAL.
    void set_restore_command() {
        RestoreCommand command;
        command.program = server::program_beside_this_one("walferry-archive-get");
        command.configuration = std::filesystem::absolute(settings_.file).lexically_normal().string();
        command.stores = options_.stores;
        command.system_identifier = options_.system_identifier;
        // --only asks for what the named stores have.
        if (!options_.no_spool && options_.stores.asks_all() &&
            can_use_spool(user_, settings_.spool, label().system_identifier))
            command.spool = std::filesystem::absolute(settings_.spool).lexically_normal().string();
        command.no_spool = !command.spool;
        spool_ = command.spool ? "recovery looks into the spool " + *command.spool + " first"
                               : "recovery looks into no spool (--no-spool)";
        report_.without = options_.stores.without;
        report_.silent = decision_.silent;
        report_.restore_command = command.text();
    }

    void describe_plan() {
        const auto& tell = options_.tell;
        tell("backup " + report_.backup + ": PostgreSQL " + label().pg_version + ", " +
             format_bytes(label().size()) + ", complete at " + label().stopped_at + ", cluster " +
             label().cluster + " (system identifier " + std::to_string(label().system_identifier) + ")");
        tell("from: " + listed(stores_to_use()));
        if (!options_.stores.without.empty())
            tell("without, as you asked: " + listed(options_.stores.without));
        for (const std::string& line : decision_.outlook) tell(line);
        if (!decision_.silent.empty()) {
            tell("recovery asks " + listed(decision_.silent) +
                 " too, and stops with 255 where it would need to know what is there: " +
                 advice_on_silent(decision_.silent));
        }
        tell("into: " + report_.data_directory + ", as the server's user " + user_.name);
        for (const auto& [old_place, new_place] : report_.tablespaces)
            tell("tablespace: " + old_place + " into " + new_place);
        for (const std::string& path : late_.directories)
            tell("tablespace that replay creates: " + path + ", an empty directory");
        for (const auto& [path, target] : late_.links)
            tell("tablespace that replay creates: " + path + ", a link to " + target);
        tell("recovery: along timeline " + std::to_string(report_.timeline) + " to " + report_.target +
             after_target());
        tell(spool_);
        tell("restore_command: " + report_.restore_command);
        for (const std::string& note : report_.notes) tell("note: " + note);
        report_.told = report_.notes.size();
    }

    std::string after_target() const {
        const RecoveryTarget& target = decision_.target;
        if (options_.standby) return ", then it follows, a standby, until it is promoted";
        if (target.kind == TargetKind::latest) return ", then the server opens for writing";
        switch (target.action) {
            case TargetAction::pause:
                return ", then it pauses, readable, until pg_wal_replay_resume()";
            case TargetAction::promote:
                return ", then the server opens for writing";
            case TargetAction::shutdown:
                return ", then the server shuts down";
        }
        return "";
    }

    void make_places() {
        std::string all = shell_word(places_.data_directory);
        for (const auto& [oid, path] : places_.tablespaces) all += " " + shell_word(path);
        const std::string text =
            "walferry restore began to put backup " + report_.backup +
            " here and has not finished.\nNothing here is a database that may be used. If no "
            "restore is running any more, remove it and begin again:\n\n    rm -rf " +
            all + "\n";
        data_ = make_place(places_.data_directory, user_, text);
        for (const auto& [oid, path] : places_.tablespaces)
            tablespaces_.emplace(oid, make_place(path, user_, text));
        make_late_places(late_, user_);
    }

    void unpack() {
        std::vector<std::string> streams{std::string(BackupPart::manifest_stream)};
        const bool configuration = label().stream(BackupPart::config_stream) != nullptr;
        if (configuration) streams.emplace_back(BackupPart::config_stream);
        for (const auto& [oid, path] : places_.tablespaces) streams.push_back(std::to_string(oid));
        streams.emplace_back(BackupPart::base_stream);
        for (const BackupLabel::Tablespace& each : label().tablespaces) {
            if (each.in_place()) streams.push_back(std::to_string(each.oid));
        }

        const DecodeOptions decoding = archive::decode_options(settings_);
        PieceStream pieces(origin(decoding), streams, options_.jobs > 0 ? options_.jobs : settings_.jobs);
        manifest_text_ = read_whole(pieces.next_stream(), longest_manifest);
        manifest_ = BackupManifest::parse(manifest_text_);
        if (manifest_.system_identifier && *manifest_.system_identifier != label().system_identifier)
            throw Error(ErrorKind::integrity, "the backup's manifest belongs to another cluster");
        if (configuration) {
            ConfigurationStream files(label());
            read_tar(pieces.next_stream(), "the configuration's tar", files);
            had_.outside = files.take();
        }
        ManifestCheck check(manifest_);
        for (const auto& [oid, directory] : tablespaces_)
            unpack_tablespace(pieces.next_stream(), directory, oid, check);
        unpack_data_directory(pieces.next_stream(), check);
        for (const BackupLabel::Tablespace& each : label().tablespaces) {
            if (!each.in_place()) continue;
            tree_->make_directory(each.location, 0700);
            const std::string shown = data_.child(each.location);
            const Directory place{
                os::open_at(data_.get(), each.location, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, shown),
                shown};
            unpack_tablespace(pieces.next_stream(), place, each.oid, check);
        }
        check.finish();
        report_.files = manifest_.files.size();
        report_.bytes = written_;
        report_.damaged = pieces.damaged();
        tell_failed(pieces.failed_stores());
    }

    PieceOrigin& origin(const DecodeOptions& decoding) {
        origin_.label = &label();
        origin_.label_object = decision_.choice.backup->label_object;
        for (const archive::SurveyedBackup::Copy& copy : decision_.choice.backup->copies) {
            const archive::ArchiveSurvey::Store& store = decision_.survey->stores()[copy.store];
            if (!store.trouble) origin_.stores.push_back(store.settings);
        }
        origin_.decoding = &decoding;
        origin_.say = options_.say;
        origin_.stop = options_.stop;
        return origin_;
    }

    void unpack_tablespace(ByteSource& source, const Directory& place, std::uint32_t oid,
                           ManifestCheck& check) {
        TreeWriter tree(place);
        CheckedUnpack unpacked(
            tree, check,
            {"pg_tblspc/" + std::to_string(oid) + "/", "PG_" + std::to_string(major_version()) + "_",
             [this](std::uint64_t n) { count(n); }});
        read_tar(source, "the tar of tablespace " + std::to_string(oid), unpacked);
    }

    void unpack_data_directory(ByteSource& source, ManifestCheck& check) {
        tree_ = std::make_unique<TreeWriter>(data_);
        CheckedUnpack unpacked(*tree_, check, {"", "", [this](std::uint64_t n) { count(n); }});
        for (const char* path : held_back) unpacked.hold_back(path);
        const AccessFiles access(label());
        unpacked.hold_back(access.hba);
        unpacked.hold_back(access.ident);
        read_tar(source, "the data directory's tar", unpacked);
        version_ = unpacked.held_back(version_file).content;
        map_ = unpacked.held_back(map_file).content;
        had_.postgresql_conf = unpacked.held_back("postgresql.conf").content;
        had_.postgresql_conf_mode = unpacked.held_back("postgresql.conf").mode;
        had_.auto_conf = unpacked.held_back("postgresql.auto.conf").content;
        had_.auto_conf_mode = unpacked.held_back("postgresql.auto.conf").mode;
        had_.hba = unpacked.held_back(access.hba).content;
        had_.hba_mode = unpacked.held_back(access.hba).mode;
        had_.ident = unpacked.held_back(access.ident).content;
        had_.ident_mode = unpacked.held_back(access.ident).mode;
        if (version_.empty()) throw Error(ErrorKind::integrity, "the backup has no PG_VERSION");
        require_same_tablespaces(label(), unpacked.tablespace_links(), map_);
    }

    void count(std::uint64_t bytes) {
        written_ += bytes;
        options_.show("restoring", written_, label().size());
    }

    void tell_failed(const std::set<std::string>& failed) {
        for (const std::string& store : failed) {
            if (std::find(decision_.silent.begin(), decision_.silent.end(), store) != decision_.silent.end())
                continue;
            report_.silent.push_back(store);
            report_.notes.push_back("store " + store +
                                    " failed on the way. Recovery asks it all the same, and stops with 255 "
                                    "where it would need to know what is there: " +
                                    advice_on_silent({store}));
        }
    }

    std::string recovery_text() const {
        return recovery_file_text(
            {report_.restore_command, decision_.target, decision_.timeline,
             "backup " + report_.backup + ", recovery to " + report_.target + ", at " +
                 format_time(wall_now()),
             !decision_.choice.reach.gap && decision_.silent.empty() && report_.silent.empty()});
    }

    /// At the end of postgresql.auto.conf.
    std::string lasting_settings() const {
        std::string text;
        // Without it the server stops at the first tablespace in pg_tblspc that is no link.
        if (has_tablespace_in_place(manifest_, places_.tablespaces))
            text += "allow_in_place_tablespaces = 'on'\n";
        if (options_.standby) {
            text += "restore_command = " + server::quote_setting(report_.restore_command) + "\n";
            if (!options_.primary_conninfo.empty())
                text += "primary_conninfo = " + server::quote_setting(options_.primary_conninfo) + "\n";
            return text;
        }
        if (options_.no_archiving) text += "archive_mode = " + server::quote_setting("off") + "\n";
        return text + recovery_include();
    }

    void set_up_server() {
        had_.has_postgresql_conf = manifest_.find("postgresql.conf") != nullptr;
        const AccessFiles access(label());
        had_.has_hba = manifest_.find(access.hba) != nullptr;
        had_.has_ident = manifest_.find(access.ident) != nullptr;
        had_.folder = "walferry-config";
        while (std::any_of(manifest_.files.begin(), manifest_.files.end(), [&](const ManifestFile& file) {
            return server::is_below(file.path, had_.folder);
        }))
            had_.folder += "-again";
        for (std::string& note : write_configuration(*tree_, places_.data_directory, label(), had_,
                                                     lasting_settings(), file_mode()))
            report_.notes.push_back(std::move(note));
        if (!options_.standby)
            tree_->write_file(std::string(recovery_file), file_mode(), as_bytes(recovery_text()));
        for (const auto& [oid, path] : places_.tablespaces)
            tree_->make_link("pg_tblspc/" + std::to_string(oid), path);
        // The manifest names it, an empty one too.
        if (manifest_.find(map_file) != nullptr)
            tree_->write_file(map_file, file_mode(), as_bytes(tablespace_map_text(places_.tablespaces)));
        tree_->write_file("backup_manifest", file_mode(), as_bytes(manifest_text_));
        tree_->write_file(options_.standby ? "standby.signal" : "recovery.signal", file_mode(), {});
    }

    /// What makes it a database comes last, when everything else is on stable storage.
    void finish() {
        options_.show("syncing", 0, 0);
        for (const auto& [oid, directory] : tablespaces_) {
            os::unlink_at(directory, incomplete_marker);
            os::set_mode(directory.get(), directory_mode(), directory.path);
            sync_tree(directory);
        }
        os::set_mode(data_.get(), directory_mode(), data_.path);
        sync_tree(data_);
        tree_->write_file(version_file, file_mode(), as_bytes(version_));
        os::unlink_at(data_, incomplete_marker);
        sync_tree_top();
        os::sync(os::open_directory(std::filesystem::path(data_.path).parent_path().string()));
    }

    /// Whether the group may read is decided by the data directory itself, as the server does.
    unsigned directory_mode() const { return 0700 | (label().data_directory_mode & 0050); }
    unsigned file_mode() const { return 0600 | (label().data_directory_mode & 0040); }

    void sync_tree_top() {
        const Fd version =
            os::open_at(data_.get(), version_file, O_RDONLY | O_NOFOLLOW, 0, data_.child(version_file));
        os::sync(version.get(), data_.child(version_file));
        os::sync(data_);
    }

    void tell_slots() {
        std::string names;
        for (const std::string& slot : label().replication_slots) names += (names.empty() ? "" : ", ") + slot;
        if (names.empty()) return;
        report_.notes.push_back(
            "the server had replication slots, which no base backup holds: " + names +
            "; where standbys or subscribers need them, create them again before they connect");
    }

    void advise() {
        tell_slots();
        if (options_.no_archiving)
            report_.notes.push_back(
                "archive_mode = off stands in postgresql.auto.conf, above what postgresql.conf or a cluster "
                "manager "
                "says; should this server archive one day: ALTER SYSTEM RESET archive_mode, and a restart");
        StartAdvice advice =
            advise_start(label(), report_.data_directory, user_, !options_.no_archiving, options_.programs);
        report_.start_command = std::move(advice.command);
        report_.log = std::move(advice.log);
        report_.notes.insert(report_.notes.end(), advice.notes.begin(), advice.notes.end());
    }

    const Settings& settings_;
    const RestoreOptions& options_;
    const server::ServerUser user_;
    RestoreDecision decision_;
    std::string spool_;  // what recovery does about it
    RestorePlaces places_;
    LatePlaces late_;
    RestoreReport report_;
    PieceOrigin origin_;

    Directory data_;
    std::map<std::uint32_t, Directory> tablespaces_;
    std::unique_ptr<TreeWriter> tree_;
    BackupManifest manifest_;
    std::string manifest_text_;
    BackedUpConfiguration had_;
    std::string version_, map_;
    std::uint64_t written_ = 0;
};

}  // namespace

RestoreReport restore_backup(const Settings& settings, const RestoreOptions& options) {
    return Restore(settings, options).run();
}

}  // namespace walferry::restore
