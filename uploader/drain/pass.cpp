#include "uploader/drain/pass.hpp"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <span>
#include <system_error>
#include <thread>

#include "common/error.hpp"
#include "common/errors_only.hpp"
#include "common/os/os.hpp"
#include "common/spool/spool_content.hpp"
#include "console/exit_code.hpp"
#include "uploader/drain/confirmation.hpp"

namespace walferry::drain {
namespace {

bool wants(const Task& task, const Lane& lane) {
    return task.needs[lane.index()] == Need::send;
}

}  // namespace

Pass::Pass(Parts parts) : parts_(std::move(parts)) {}

Pass::~Pass() {
    finish();
}

void Pass::begin(std::size_t tasks) {
    const auto jobs = static_cast<std::size_t>(parts_.settings.jobs);
    for (const auto& lane : parts_.lanes) lane->begin_pass(parts_.settings.jobs);
    try {
        for (std::size_t i = 0; i < std::min(jobs, tasks); ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
        // A limit on processes: fewer workers do it too.
        if (workers_.empty()) {
            throw Error(ErrorKind::internal, std::string("no thread to work with: ") + error.what(),
                        "is there a limit on processes (ulimit -u)?");
        }
    }
}

void Pass::add(const std::vector<Task*>& tasks) {
    // Nothing is expected of a lane that no worker will bring it.
    const std::lock_guard lock(mutex_);
    tasks_.insert(tasks_.end(), tasks.begin(), tasks.end());
    for (const auto& lane : parts_.lanes) {
        const auto expected =
            std::count_if(tasks.begin(), tasks.end(), [&](const Task* task) { return wants(*task, *lane); });
        lane->expect(static_cast<std::size_t>(expected));
    }
    changed_.notify_all();
}

bool Pass::idle() const {
    {
        const std::lock_guard lock(mutex_);
        if (!tasks_.empty() || at_work_ > 0) return false;
    }
    return std::all_of(parts_.lanes.begin(), parts_.lanes.end(),
                       [](const auto& lane) { return lane->idle(); });
}

void Pass::finish() {
    {
        const std::lock_guard lock(mutex_);
        open_ = false;
        changed_.notify_all();
    }
    workers_.clear();
    // A request to stop leaves tasks that no worker took; the lanes see that request themselves.
    for (const auto& lane : parts_.lanes) lane->end_pass();
}

// Null at the end of the pass, or when asked to stop.
Task* Pass::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, parts_.stop, [this] { return !tasks_.empty() || !open_; });
    if (parts_.stop.stop_requested() || tasks_.empty()) return nullptr;
    Task* task = tasks_.front();
    tasks_.pop_front();
    ++at_work_;
    return task;
}

void Pass::work() {
    std::optional<transfer::ObjectEncoder> encoder;
    while (Task* const next_one = next()) {
        Task& task = *next_one;
        const std::vector<Need> before = task.needs;
        try {
            errors_only([&] {
                if (!encoder) encoder.emplace(parts_.encoding, parts_.memory, parts_.settings.work_dir);
                handle(task, *encoder);
            });
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::interrupted) {
                parts_.outcome.report(traits(error.kind()).exit_code, error.what());
            }
            task.troubled = true;
            skip_all(task, before);
        }
        const std::lock_guard lock(mutex_);
        --at_work_;
    }
}

// A task that fails before it is offered counts as later, everywhere it was still wanted.
void Pass::skip_all(Task& task, const std::vector<Need>& before) {
    for (const auto& lane : parts_.lanes) {
        if (before[lane->index()] != Need::send) continue;
        task.needs[lane->index()] = Need::later;
        lane->skip();
    }
    parts_.memory.wake();
}

void Pass::handle(Task& task, transfer::ObjectEncoder& encoder) {
    const std::vector<Need> before = task.needs;
    const Fd fd = open_spool_file(parts_.spool, task.file);
    if (!fd) {
        throw Error(ErrorKind::integrity,
                    parts_.spool.segment(task.file.system_identifier, task.file.entry()) +
                        " has vanished from the spool",
                    "walferry did not remove it; find out who did");
    }
    if (!identify(task, fd.get())) {
        task.troubled = true;
        skip_all(task, before);
        return;
    }
    if (task.file.name.kind == WalKind::history) remember_history(task, fd.get());
    std::vector<Lane*> receivers;
    for (const auto& lane : parts_.lanes) {
        if (before[lane->index()] != Need::send) continue;
        if (wants(task, *lane) && lane->usable()) {
            receivers.push_back(lane.get());
        } else {
            if (wants(task, *lane)) task.needs[lane->index()] = Need::later;
            lane->skip();
        }
    }
    if (receivers.empty()) {
        parts_.memory.wake();
        remove_if_done(parts_.ledger, parts_.spool, parts_.outcome, task);
        return;
    }
    std::shared_ptr<transfer::EncodedObject> object;
    try {
        errors_only([&] {
            object = encode(task, fd.get(), encoder);
            note_facts(task, object->facts);
        });
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::interrupted)
            parts_.outcome.report(traits(error.kind()).exit_code, error.what());
        task.troubled = true;
        for (Lane* lane : receivers) {
            task.needs[lane->index()] = Need::later;
            lane->skip();
        }
        return;
    }
    ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    parts_.outcome.encoded_bytes += task.file.size;
    for (Lane* lane : receivers) lane->offer({&task, object});
}

// Makes sure that the file is what the ledger has it for, or tells the ledger of a file it does not know.
// False: it must not be sent.
bool Pass::identify(Task& task, int fd) {
    const std::string shown = parts_.spool.segment(task.file.system_identifier, task.file.entry());
    const bool nothing_to_send =
        std::all_of(task.needs.begin(), task.needs.end(), [](Need need) { return need == Need::nothing; });
    // While it is encoded, the fingerprint is checked anyway.
    if (!task.fingerprint.empty() && !nothing_to_send) return true;

    // First, because it costs nothing: a planted file may be a sparse one of many terabytes.
    if (const auto wrong = foreign_content(task.file, fd, shown)) {
        parts_.outcome.report(console::exit_code::integrity,
                              shown + " is not what its name says: " + *wrong +
                                  "; it was left alone and not uploaded. walferry-archive-push would have "
                                  "refused it: find out who put it there");
        return false;
    }
    const std::string fingerprint = fingerprint_of(fd, shown);
    if (!task.file.fingerprint.empty() && task.file.fingerprint != fingerprint) {
        parts_.outcome.report(console::exit_code::integrity,
                              shown + " has other bytes than its name says (fingerprint " + fingerprint +
                                  "); it was left alone and not uploaded");
        return false;
    }
    if (fingerprint != task.fingerprint) adopt(task, fingerprint);
    return true;
}

/// While it can be read here: its object cannot, where this host holds no identity.
void Pass::remember_history(const Task& task, int fd) {
    constexpr std::uint64_t longest = std::uint64_t{1} << 20;
    if (task.file.size > longest) return;
    std::string text(static_cast<std::size_t>(task.file.size), '\0');
    text.resize(os::read_at(fd, std::as_writable_bytes(std::span(text)), 0, task.file.entry()));
    parts_.ledger.add_history(task.file.system_identifier,
                              {task.file.name.timeline, task.fingerprint, std::move(text)});
}

void Pass::adopt(Task& task, const std::string& fingerprint) {
    const auto& file = task.file;
    const auto rows = parts_.ledger.rows_of(file.system_identifier, file.name.text);
    task.fingerprint = fingerprint;
    task.spooled_at = format_time(file.modified);
    task.segment =
        parts_.ledger.adopt(file.system_identifier, file.name, fingerprint, file.size, file.modified);
    ++parts_.outcome.adopted_segments;
    for (const SegmentRow& row : rows) {
        if (row.fingerprint == fingerprint) {
            task.spooled_at = row.spooled_at;
            continue;
        }
        parts_.ledger.add_conflict({task.segment, std::nullopt, fingerprint, row.fingerprint}, wall_now());
    }
    std::vector<UploadRow> uploads = parts_.ledger.uploads_of(task.segment);
    for (const auto& lane : parts_.lanes) {
        Need& need = task.needs[lane->index()];
        const bool excluded = need == Need::waiting;
        need = excluded ? Need::waiting : Need::send;
        for (const UploadRow& upload : uploads) {
            if (upload.store != lane->store_id()) continue;
            task.attempts[lane->index()] = std::max(upload.attempts, 1);
            if (upload.state == UploadState::verified) need = Need::nothing;
        }
    }
}

std::shared_ptr<transfer::EncodedObject> Pass::encode(const Task& task, int fd,
                                                      transfer::ObjectEncoder& encoder) {
    const std::string shown = parts_.spool.segment(task.file.system_identifier, task.file.entry());
    Envelope envelope;
    envelope.system_identifier = task.file.system_identifier;
    envelope.name = task.file.name.text;
    envelope.size = task.file.size;
    envelope.fingerprint = task.fingerprint;
    envelope.spooled_at = task.spooled_at;
    if (const auto header = header_of(task.file, fd, shown)) {
        envelope.pg_version = pg_version(header->magic).value_or(0);
        envelope.segment_size = header->segment_size;
    }
    const std::uint64_t want =
        std::min<std::uint64_t>(envelope.size + envelope.size / 128 + 65536, ObjectBuffer::memory_limit);
    auto share = parts_.memory.take(want, parts_.stop, [this] { return make_room(); });
    if (!share) throw Error(ErrorKind::interrupted, "asked to stop");
    std::uint64_t offset = 0;
    const auto read = [&](MutableBytes buffer) {
        const std::size_t n = os::read_at(fd, buffer, offset, shown);
        offset += n;
        return n;
    };
    return encoder.encode(read, envelope, envelope.name, std::move(share));
}

/// For people who ask; nothing that is archived depends on it.
void Pass::note_facts(const Task& task, const std::optional<WalFacts>& facts) {
    if (!facts) return;
    try {
        parts_.ledger.note_facts(task.segment, facts_to_note(*facts));
    } catch (const Error& error) {
        // The segment is archived all the same.
        parts_.outcome.report(console::exit_code::done, error.what());
    }
}

bool Pass::make_room() {
    const auto& lanes = parts_.lanes;
    const bool starving =
        std::any_of(lanes.begin(), lanes.end(), [](const auto& lane) { return lane->starving(); });
    if (!starving) return false;
    return std::any_of(lanes.begin(), lanes.end(), [](const auto& lane) { return lane->drop_newest(); });
}

}  // namespace walferry::drain
