#include "uploader/fetch/spool_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "common/error.hpp"
#include "common/fingerprint.hpp"
#include "common/os.hpp"
#include "uploader/drain/spool_scan.hpp"
#include "uploader/fetch/object_read.hpp"

namespace walferry {

bool SpoolCopy::has(std::uint64_t system_identifier, const WalName& name) const {
    return ::access(paths_.segment(system_identifier, name.text).c_str(), F_OK) == 0;
}

std::string SpoolCopy::later(std::uint64_t system_identifier, const WalName& name) const {
    std::string first;
    try {
        for (const SpoolFile& file : scan_spool(paths_).files) {
            if (file.system_identifier != system_identifier || file.name.kind != WalKind::segment ||
                file.name.timeline != name.timeline || file.name.text <= name.text)
                continue;
            if (first.empty() || file.name.text < first) first = file.name.text;
        }
    } catch (const Error&) {
        return {};
    }
    return first;
}

bool SpoolCopy::disputed(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                         const std::function<void(const std::string&)>& say) {
    try {
        if (!ledger_tried_) {
            ledger_tried_ = true;
            ledger_ = std::make_unique<Ledger>(paths_, Ledger::Open::existing);
        }
        if (!ledger_) return false;
        const std::vector<SegmentRow> rows = ledger_->rows_of(system_identifier, name.text);
        if (rows.empty()) return false;
        const bool one = rows.size() == 1 && rows.front().fingerprint == fingerprint;
        const bool in_conflict = ledger_->in_conflict(system_identifier, name.text);
        if (one && !in_conflict) return false;
        say("the spool has " + name.text +
            (in_conflict || rows.size() > 1 ? ", but that name stands for several contents"
                                            : " with other bytes than were recorded") +
            "; asking the stores");
        return true;
    } catch (const Error& error) {
        // A broken ledger must not keep anybody from a segment that is there.
        ledger_.reset();
        say("the ledger cannot be asked about " + name.text + " in the spool: " + error.message());
        return false;
    }
}

SpoolCopy::Result SpoolCopy::fetch(std::uint64_t system_identifier, const WalName& name,
                                   const std::string& content, const std::function<Sink&()>& open,
                                   const std::function<void(const std::string&)>& say) {
    const std::string path = paths_.segment(system_identifier, name.text);
    const auto unusable = [&](const std::string& why) {
        say("the spool's copy of " + name.text + " cannot be used: " + why);
        return Result{};
    };
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return {};
    if (!file && errno == EACCES) {
        closed_ = true;
        return {};
    }
    if (!file) return unusable(std::strerror(errno));
    if (!S_ISREG(os::status(file.get(), path).st_mode)) return unusable("it is no regular file");

    HeaderCheck checked(open());
    Fingerprint fingerprint;
    std::vector<std::byte> buffer(256 * 1024);
    std::uint64_t offset = 0;
    for (std::size_t got = 0;; offset += got) {
        try {
            got = os::read_at(file.get(), buffer, offset, path);
        } catch (const Error& error) {
            return unusable(error.message());
        }
        if (got == 0) break;
        fingerprint.update(Bytes(buffer).first(got));
        checked.write(Bytes(buffer).first(got));
    }
    try {
        checked.check(name, system_identifier);
    } catch (const Error& error) {
        return unusable(error.message());
    }
    if (!content.empty()) {
        if (fingerprint.digits() != content) return {};
    } else if (disputed(system_identifier, name, fingerprint.digits(), say)) {
        return {false, fingerprint.digits()};
    }
    checked.finish();
    return {true, {}};
}

}  // namespace walferry
