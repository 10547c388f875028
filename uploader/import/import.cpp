#include "uploader/import/import.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>

#include "common/error.hpp"
#include "common/spool/intake.hpp"
#include "common/wal/fingerprint.hpp"
#include "console/exit_code.hpp"
#include "uploader/import/legacy_directory.hpp"
#include "uploader/import/still_stored.hpp"
#include "uploader/import/trusted_path.hpp"

namespace walferry::importing {
namespace {

constexpr std::size_t chunk = std::size_t{512} * 1024;
// What is wrong with all of a thousand files is clear after some of them.
constexpr std::size_t problems_said = 20;

std::string copy_segment(const SegmentSource& source, DurableFile& file) {
    const bool cloned = file.clone_from(source.fd());
    if (!cloned) file.reserve(source.size());
    Fingerprint fingerprint;
    std::vector<std::byte> buffer(chunk);
    for (std::uint64_t offset = 0;;) {
        const std::size_t n = os::read_at(source.fd(), buffer, offset, source.path());
        if (n == 0) return fingerprint.digits();
        fingerprint.update(Bytes(buffer).first(n));
        if (!cloned) file.write(Bytes(buffer).first(n));
        offset += n;
    }
}

/// After the first trouble it is left alone: the spool's files are what counts, and the drain adopts them.
class ImportLedger : public IntakeLedger {
  public:
    ImportLedger(const SpoolPaths& spool, const Settings& settings, std::stop_token stop)
        : spool_(spool), still_stored_(settings, std::move(stop)) {}

    void open() override {
        attempt([](PushLedger&) {});
    }
    LedgerAnswer ask(std::uint64_t sysid, const WalName& name, const std::string& fingerprint) override {
        LedgerAnswer answer = LedgerAnswer::unknown;
        attempt([&](PushLedger& ledger) { answer = ledger.ask(sysid, name, fingerprint); });
        // The record ages: what was verified once may be gone, and this the last copy.
        if (answer == LedgerAnswer::verified_everywhere &&
            !still_stored_.shows(sysid, name.text, fingerprint))
            return LedgerAnswer::known;
        return answer;
    }
    void record(std::uint64_t sysid, const WalName& name, const std::string& fingerprint,
                std::uint64_t size) override {
        attempt([&](PushLedger& ledger) { ledger.record(sysid, name, fingerprint, size, wall_now()); });
    }
    const std::string& trouble() const noexcept { return trouble_; }
    const std::string& trouble_with_stores() const noexcept { return still_stored_.trouble(); }

  private:
    template <typename Work>
    void attempt(Work work) {
        if (!trouble_.empty()) return;
        try {
            if (!ledger_) ledger_ = std::make_unique<PushLedger>(spool_, std::chrono::seconds(10));
            work(*ledger_);
        } catch (const Error& error) {
            trouble_ = error.what();
        }
    }

    const SpoolPaths& spool_;
    StillStored still_stored_;
    std::unique_ptr<PushLedger> ledger_;
    std::string trouble_;
};

[[noreturn]] void refuse(const std::string& why) {
    throw Error(
        ErrorKind::refused,
        why + ": another user may have put WAL there, which this host would sign as its own",
        "see docs/migration.md, \"A directory that others could write\"; --any-owner takes what is there "
        "all the same");
}

// What is taken in is signed as this host's, and replayed as the server's own.
void refuse_of_others(const struct stat& status, uid_t spool_owner, const std::string& path) {
    const auto reason = foreign_hand(status, spool_owner);
    if (!reason) return;
    refuse(path + " " + *reason);
}

// A path that others can make lead elsewhere says nothing of what is found at its end.
void refuse_path_of_others(const std::string& path, uid_t spool_owner) {
    if (const auto reason = changeable_by_others(path, spool_owner))
        refuse(path + " can be replaced: " + *reason);
}

// A folder that somebody else makes in the spool would lock the server out as long as it lacks the group.
void require_spool_owner(const SpoolPaths& spool) {
    struct stat status {};
    if (::stat(spool.ready().c_str(), &status) != 0) {
        throw Error(ErrorKind::no_spool, "no spool at " + spool.root,
                    "check `spool` in the configuration; `walferry init` makes a spool");
    }
    if (::geteuid() == 0 || ::geteuid() == status.st_uid) return;
    throw Error(ErrorKind::io, "only root and the owner of " + spool.ready() + " may import",
                "run this with sudo, or as the user that the PostgreSQL server runs as");
}

class Import {
  public:
    Import(const SpoolPaths& spool, const Settings& settings, const ImportOptions& options,
           console::Outcome& outcome, const std::stop_token& stop)
        : spool_(spool),
          options_(options),
          outcome_(outcome),
          spool_owner_(os::status(os::open_directory(spool.ready()).get(), spool.ready()).st_uid),
          legacy_(open_legacy_directory(options.directory, spool, options.keep)),
          ledger_(spool, settings, stop) {
        if (!options.any_owner) {
            refuse_path_of_others(options.directory, spool_owner_);
            refuse_of_others(os::status(legacy_.directory.get(), options.directory), spool_owner_,
                             options.directory);
        }
        result_.others = legacy_.others;
        for (const WalName& name : legacy_.names) {
            struct stat status {};
            if (::fstatat(legacy_.directory.get(), name.text.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(status.st_mode))
                bytes_total_ += static_cast<std::uint64_t>(status.st_size);
        }
    }

    ImportResult run(const std::stop_token& stop) {
        result_.left = legacy_.names.size();
        for (const WalName& name : legacy_.names) {
            if (stop.stop_requested()) {
                outcome_.report(console::exit_code::incomplete,
                                "stopped on request; run it again for the rest");
                break;
            }
            if (!take(name)) break;
            --result_.left;
            ++done_;
        }
        if (unsaid_ > 0) {
            outcome_.report(console::exit_code::done, "and " + std::to_string(unsaid_) +
                                                          " more that were left in " +
                                                          legacy_.directory.path + " for such reasons");
        }
        result_.ledger_trouble = ledger_.trouble();
        result_.store_trouble = ledger_.trouble_with_stores();
        return std::move(result_);
    }

    drain::DrainView view() const {
        drain::DrainView view{};
        view.segments_total = legacy_.names.size();
        view.segments_removed = done_;
        view.bytes_total = bytes_total_;
        view.bytes_removed = bytes_done_;
        return view;
    }

  private:
    // False when the rest need not be tried.
    bool take(const WalName& name) {
        try {
            take_file(name);
            return true;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::no_space) {
                // --max-spool and --min-free say when to stop, a full disk does not.
                const bool limit = error.os_error == 0;
                problem(limit ? console::exit_code::incomplete : console::exit_code::failed, error.what());
                return false;
            }
            const bool refused = traits(error.kind()).exit_code == console::exit_code::integrity;
            ++(refused ? result_.refused : result_.failed);
            std::string line = error.what();
            if (error.os_error == EACCES) line += "; hint: run this as root or as the files' owner";
            problem(traits(error.kind()).exit_code, line);
            return true;
        }
    }

    void take_file(const WalName& name) {
        const SegmentSource source(legacy_.directory.child(name.text), name,
                                   "another process has just removed it");
        if (!options_.any_owner) refuse_of_others(source.opened(), spool_owner_, source.path());
        const std::uint64_t sysid = cluster_of(source);
        if (const auto warning = source.check_header(sysid))
            outcome_.report(console::exit_code::done, *warning);
        switch (
            take_in(spool_, source, sysid, options_.limits, copy_segment, ledger_, SecondContent::refuse)) {
            case IntakeResult::spooled:
                ++result_.imported;
                result_.imported_bytes += source.size();
                break;
            case IntakeResult::already_spooled:
                ++result_.already_spooled;
                break;
            case IntakeResult::already_verified:
                ++result_.already_verified;
                break;
        }
        bytes_done_ += source.size();
        ::posix_fadvise(source.fd(), 0, 0, POSIX_FADV_DONTNEED);
        if (!options_.keep) remove(source);
    }

    std::uint64_t cluster_of(const SegmentSource& source) {
        if (const auto header = source.header(); header && !options_.system_identifier)
            return header->system_identifier;
        if (options_.system_identifier) return *options_.system_identifier;
        if (!asked_) {
            asked_ = true;
            only_cluster_ =
                only_cluster_in(legacy_, options_.any_owner ? std::nullopt : std::optional(spool_owner_));
        }
        if (only_cluster_) return *only_cluster_;
        throw Error(ErrorKind::usage,
                    "cannot tell which cluster " + source.path() +
                        " belongs to: the directory holds the segments of none, or of several",
                    "give --system-identifier N, the number that pg_controldata prints");
    }

    // The file that was read, not another one that has taken its name meanwhile.
    void remove(const SegmentSource& source) {
        const std::string& name = source.name().text;
        struct stat now {};
        if (::fstatat(legacy_.directory.get(), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) return;
            throw_errno(errno, "look at " + source.path());
        }
        if (now.st_ino != source.opened().st_ino || now.st_dev != source.opened().st_dev) {
            throw Error(ErrorKind::io,
                        source.path() + " was replaced while it was imported; it was left there",
                        "run this again");
        }
        if (::unlinkat(legacy_.directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
            throw_errno(errno, "remove " + source.path(),
                        "its content is safe in the spool; running this again does no harm");
        }
    }

    void problem(int code, const std::string& line) {
        if (said_ < problems_said) {
            ++said_;
            outcome_.report(code, line);
        } else {
            ++unsaid_;
            outcome_.raise(code);
        }
    }

    const SpoolPaths& spool_;
    const ImportOptions& options_;
    console::Outcome& outcome_;
    const uid_t spool_owner_;
    const LegacyDirectory legacy_;
    ImportLedger ledger_;
    ImportResult result_;
    std::uint64_t bytes_total_ = 0;
    std::atomic<std::size_t> done_ = 0;
    std::atomic<std::uint64_t> bytes_done_ = 0;
    std::size_t said_ = 0, unsaid_ = 0;
    bool asked_ = false;
    std::optional<std::uint64_t> only_cluster_;
};

}  // namespace

ImportResult import_directory(const Settings& settings, const ImportOptions& options,
                              console::Outcome& outcome, const std::stop_token& stop,
                              const drain::Drain::Watch& watch) {
    const auto began = std::chrono::steady_clock::now();
    const SpoolPaths spool(settings.spool);
    require_spool_owner(spool);
    Import import(spool, settings, options, outcome, stop);
    ImportResult result;
    {
        const drain::Drain::Watched watched(watch, [&import] { return import.view(); });
        result = import.run(stop);
    }
    result.elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    return result;
}

}  // namespace walferry::importing
