#include "uploader/backup/backup_run.hpp"

#include <algorithm>
#include <charconv>
#include <random>

#include "common/error.hpp"
#include "common/settings/retention.hpp"
#include "common/wal/lsn.hpp"
#include "console/exit_code.hpp"
#include "server/role_connection.hpp"
#include "transfer/encode_options.hpp"
#include "uploader/backup/leftovers.hpp"
#include "uploader/backup/tar_names.hpp"

namespace walferry::backup {
namespace {

using std::chrono::steady_clock;

constexpr int longest_checkpoint_times = 2;

std::uint64_t number(const std::string& digits) {
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

/// The server begins to send after a checkpoint, which it may spread over its checkpoint_timeout.
std::chrono::seconds checkpoint_limit(server::ServerConnection& server) {
    const server::ServerRows rows =
        server.query("SELECT setting FROM pg_settings WHERE name = 'checkpoint_timeout'");
    const auto timeout = rows.size() == 1 ? number(rows.text(0, 0)) : 0;
    return std::chrono::seconds(1800 + longest_checkpoint_times * static_cast<long long>(timeout));
}

}  // namespace

BackupRun::BackupRun(const Settings& settings, const BackupOptions& options, console::Outcome& outcome,
                     drain::Progress& progress, const std::stop_token& stop)
    : settings_(settings),
      options_(options),
      outcome_(outcome),
      progress_(progress),
      asked_to_stop_(stop, [this] { stop_.request_stop(); }),
      asked_(stop),
      encoding_(transfer::encode_options(settings)),
      lock_(settings),
      record_(settings, [this](const std::string& line) { say(line); }),
      memory_({BackupPipeline::memory_for(settings.jobs)}) {}

// In this order, because each is used by the one before it.
BackupRun::~BackupRun() {
    stop_.request_stop();
    sweepers_.clear();
    pipeline_.reset();
    // Whoever is given up now looks at all of them.
    for (const auto& copy : copies_) copy->give_up(Error(ErrorKind::interrupted, "the backup has ended"));
    for (const auto& copy : copies_) copy->settle();
}

void BackupRun::check() const {
    if (asked_.stop_requested()) throw Error(ErrorKind::interrupted, "stopped on request");
    if (steady_clock::now() - began_ > max_backup) {
        throw Error(ErrorKind::server, "the backup is not complete after 7 days and gives up",
                    "what other hosts expire does not wait for it any longer; is a store or --max-rate too "
                    "slow for this server?");
    }
    if (pipeline_) pipeline_->check();
}

server::ServerConnection::Say BackupRun::warnings() {
    return [this](const std::string& line) { say(line); };
}

ObjectKeys BackupRun::keys(const StoreSettings& store, std::uint64_t system_identifier) const {
    return {store.prefix, settings_.cluster, system_identifier};
}

BackupResult BackupRun::run() {
    ask();
    begin();
    try {
        stream();
        put_labels();
    } catch (const Error& error) {
        abandon();
        record_.end(traits(error.kind()).exit_code);
        throw;
    } catch (...) {
        abandon();
        record_.end(console::exit_code::failed);
        throw;
    }
    await_wal();
    return conclude();
}

void BackupRun::ask() {
    using Kind = server::ServerConnection::Kind;
    const auto waiting = [this] { check(); };
    server_ = server::connect_to_server(settings_.server_conninfo, Kind::sql, waiting, warnings());
    facts_ = ask_server(*server_);
    sender_ = server::connect_to_server(settings_.server_conninfo, Kind::replication, waiting, warnings());
    if (sender_->peer() != server_->peer()) {
        throw Error(ErrorKind::config,
                    "server.conninfo names several servers, and two connections went to " + server_->peer() +
                        " and " + sender_->peer(),
                    "name one server only");
    }
    const server::ServerRows identity = sender_->query("IDENTIFY_SYSTEM");
    origin_.system_identifier = number(identity.text(0, 0));
    if (origin_.system_identifier == 0)
        throw Error(ErrorKind::server, "the server does not say which cluster it is");
    record_.require_cluster(origin_.system_identifier);
    origin_.id = BackupId::make(facts_.now, static_cast<std::uint32_t>(std::random_device()()));
    origin_.pg_version = facts_.version / 10000;
    origin_.segment_size = facts_.segment_size;
    contents_ = ask_contents(*server_);
    histories_ = read_history_files(*sender_, static_cast<std::uint32_t>(number(identity.text(0, 1))),
                                    [this](const std::string& line) { say(line); });
    config_ = read_config_files(*server_, facts_, [this](const std::string& line) { say(line); });
    if (facts_.archive_mode == "off" && !facts_.in_recovery) {
        outcome_.report(console::exit_code::incomplete,
                        "archive_mode is off: this backup cannot be restored without the WAL that the server "
                        "writes while it is made, and no host archives that");
    } else if (!facts_.archives()) {
        say("the server is a standby and archives nothing by itself: the backup can be restored once the "
            "primary has archived the last segment of WAL that it needs, which is waited for");
    }
}

void BackupRun::begin() {
    // Asked before this one begins to leave anything behind.
    const auto left = record_.abandoned();
    record_.begin(origin_.system_identifier, origin_.id);
    for (const StoreSettings& store : settings_.stores) {
        copies_.push_back(std::make_unique<StoreCopy>(StoreCopy::Parts{
            store, keys(store, origin_.system_identifier), origin_.id, std::max(2, settings_.jobs),
            stop_.get_token(), [this](const StoreCopy& copy) { given_up(copy); }}));
    }
    put_begins();
    pipeline_ = std::make_unique<BackupPipeline>(encoding_, origin_, settings_.jobs, memory_, copies_);
    for (const StoreSettings& store : settings_.stores) {
        const auto mine = left.find(store.name);
        if (mine == left.end()) continue;
        sweepers_.emplace_back([this, &store, list = mine->second] { sweep_leftovers(store, list); });
    }
}

void BackupRun::given_up(const StoreCopy& copy) {
    const Error reason = *copy.reason();
    if (std::none_of(copies_.begin(), copies_.end(), [](const auto& each) { return each->usable(); }))
        memory_.close();
    if (reason.kind() == ErrorKind::interrupted) return;
    const int code = reason.kind() == ErrorKind::integrity ? console::exit_code::integrity
                                                           : console::exit_code::incomplete;
    outcome_.report(code, "store " + copy.settings().name + " is given up for this backup: " + reason.what());
    record_.failed(copy.settings().name, reason.message());
}

void BackupRun::stream() {
    const drain::Progress::Shown shown(
        progress_, [this](std::chrono::milliseconds elapsed, std::size_t) { return progress_line(elapsed); });
    BaseBackupOptions options;
    options.label = options_.label.empty() ? "walferry backup " + origin_.id.text : options_.label;
    options.fast_checkpoint = options_.fast_checkpoint;
    options.max_rate_kib = options_.max_rate_kib;
    options.verify_checksums = options_.verify_checksums;
    options.checkpoint_limit = checkpoint_limit(*server_);
    // PostgreSQL 15 sends tablespaces inside the data directory only together with its links.
    options.tablespace_links = contents_.in_place && facts_.version < 160000;
    server_.reset();  // idle for hours, it would only be cut off on the way
    received_contents_ = ReceivedContents({config_.inside.begin(), config_.inside.end()});
    sender_->listen([this](const server::ServerNotice& notice) { return received_contents_.heard(notice); });
    BaseBackup backup(*sender_, options);
    expected_ = backup.estimated_size();
    receive(backup);
    copy_config();
    label_.streams = pipeline_->finish();
    describe(backup);
}

/// After the data directory, because only its tar tells which of them it holds: not what is behind a link.
void BackupRun::copy_config() {
    for (ConfigFiles::File& file : config_.files) {
        const bool inside = inside_directory(file.path, facts_.data_directory);
        if (!inside || !received_contents_.has(path_inside(file.path, facts_.data_directory)))
            own_config_.push_back(std::move(file));
    }
    if (own_config_.empty()) return;
    pipeline_->begin_stream(std::string(BackupPart::config_stream));
    pipeline_->write(as_bytes(config_tar(own_config_, facts_.now)));
}

void BackupRun::receive(BaseBackup& backup) {
    std::optional<TarNames> tar;
    for (auto message = backup.next(); message; message = backup.next()) {
        if (const auto* archive = std::get_if<BaseBackup::Archive>(&*message)) {
            pipeline_->begin_stream(archive->stream);
            tar.emplace([this, stream = archive->stream](const std::string& name, char type) {
                received_contents_.seen(stream, name, type);
            });
        } else if (std::holds_alternative<BaseBackup::Manifest>(*message)) {
            pipeline_->begin_stream(std::string(BackupPart::manifest_stream));
            tar.reset();
        } else if (const auto* data = std::get_if<BaseBackup::Data>(&*message)) {
            received_ += data->bytes().size();
            if (tar) tar->write(data->bytes());
            try {
                pipeline_->write(data->bytes());
            } catch (const Error&) {
                check();  // whoever asked to stop is the reason then
                throw;
            }
        }
    }
}

void BackupRun::describe(const BaseBackup& backup) {
    if (backup.start().timeline != backup.stop().timeline) {
        throw Error(ErrorKind::server,
                    "the server has switched from timeline " + std::to_string(backup.start().timeline) +
                        " to " + std::to_string(backup.stop().timeline) + " while the backup was made",
                    "run it again");
    }
    WallTime stopped =
        facts_.now + std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began_);
    label_.tablespaces = backup.tablespaces();
    try {
        server_ = server::connect_to_server(
            settings_.server_conninfo, server::ServerConnection::Kind::sql, [this] { check(); }, warnings());
        stopped = server_clock(*server_);
        std::vector<std::uint32_t> oids;
        for (const auto& tablespace : label_.tablespaces) oids.push_back(tablespace.oid);
        const auto names = tablespace_names(*server_, oids);
        for (std::size_t i = 0; i < names.size(); ++i) label_.tablespaces[i].name = names[i];
        contents_after_ = ask_contents(*server_);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::server) throw;
        server_.reset();
        say("the server has sent everything, but answers no more: " + error.message());
    }
    label_.id = origin_.id;
    label_.cluster = settings_.cluster;
    label_.system_identifier = origin_.system_identifier;
    label_.pg_version = facts_.version_text;
    label_.pg_version_num = facts_.version;
    label_.segment_size = facts_.segment_size;
    label_.timeline = backup.stop().timeline;
    label_.start_lsn = backup.start().lsn;
    label_.stop_lsn = backup.stop().lsn;
    label_.started_at = format_time(facts_.now);
    label_.stopped_at = format_time(stopped);
    label_.data_directory = facts_.data_directory;
    label_.data_directory_mode = facts_.data_directory_mode;
    label_.settings = facts_.settings;
    label_.replication_slots = facts_.replication_slots;
    for (const ConfigFiles::File& file : own_config_) label_.config_files.push_back(file.path);
    label_.config_file = facts_.config_file;
    label_.hba_file = facts_.hba_file;
    label_.ident_file = facts_.ident_file;
    label_.walferry_version = WALFERRY_VERSION;
    compare_contents(backup);
    const auto last = label_.stop_lsn - 1;  // the segment that holds the last byte, not the one after it
    extent_ = {label_.started_at,
               label_.stopped_at,
               label_.timeline,
               label_.start_lsn,
               label_.stop_lsn,
               WalName::segment_at(label_.timeline, label_.start_lsn, label_.segment_size).text,
               WalName::segment_at(label_.timeline, last, label_.segment_size).text,
               last / label_.segment_size - label_.start_lsn / label_.segment_size + 1,
               label_.size(),
               label_.missing.size()};
    record_.describe(extent_);
}

void BackupRun::compare_contents(const BaseBackup& backup) {
    ExpectedContents expected;
    // Where the server does not answer any more, what was there before counts.
    expected.cluster = contents_after_ ? in_both(contents_, *contents_after_) : contents_;
    for (const auto& tablespace : backup.tablespaces()) expected.streamed_tablespaces.insert(tablespace.oid);
    expected.configuration = config_.inside;
    expected.log_directory = facts_.log_directory;
    for (const ConfigFiles::File& file : own_config_) {
        if (inside_directory(file.path, facts_.data_directory))
            expected.elsewhere.insert(path_inside(file.path, facts_.data_directory));
    }
    label_.missing = what_is_missing(received_contents_, expected);
    for (const std::string& each : label_.missing)
        outcome_.report(console::exit_code::integrity,
                        "this backup is incomplete and counts as not restorable: it lacks " + each);
}

/// A backup on a later timeline is worth little without the file that says where that one began.
void BackupRun::bring_histories() {
    const auto of_this_backup = [&](const HistoryFile& file) { return file.timeline == label_.timeline; };
    for (const auto& copy : copies_) {
        if (!copy->usable() || label_.timeline == 1) continue;
        try {
            for (const HistoryFile& file : histories_) {
                const auto encoded = encode_history(encoding_, memory_, origin_.system_identifier, file);
                record_.archived(copy->settings().name,
                                 archive_history(*copy, origin_.system_identifier, *encoded));
            }
            if (std::none_of(histories_.begin(), histories_.end(), of_this_backup) &&
                !has_history(*copy, label_.timeline)) {
                outcome_.report(
                    console::exit_code::incomplete,
                    "store " + copy->settings().name + " has no " + HistoryFile::name_of(label_.timeline) +
                        ", and this server has none either: recovery from this backup can follow no "
                        "timeline by its number; get the file from the old archive or another server of "
                        "this cluster, and `walferry import` it");
            }
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::conflict)
                outcome_.report(console::exit_code::integrity, error.what());
            else
                copy->give_up(error);
        }
    }
}

}  // namespace walferry::backup
