#include "maintenance/verify/object_check.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/sleep.hpp"
#include "common/store/object_name.hpp"
#include "common/wal/pg_control.hpp"
#include "maintenance/verify/named_hash.hpp"

namespace walferry::verify {
namespace {

/// What an object's key says of its content: "SYSID/FOLDER/…/NAME-FINGERPRINT-RECIPIENTS-SHA256.zst.age".
struct Expected {
    std::uint64_t system_identifier = 0;
    std::string folder;       // "wal", "backup" …
    std::string envelope;     // the name that the envelope must have; empty: not known
    std::string fingerprint;  // of the content
};

std::optional<Expected> expected_of(std::string_view key, std::size_t root) {
    key.remove_prefix(std::min(root, key.size()));
    const std::size_t first = key.find('/');
    const std::size_t second = first == key.npos ? key.npos : key.find('/', first + 1);
    if (second == key.npos) return std::nullopt;
    const auto sysid = parse_system_identifier(std::string(key.substr(0, first)));
    if (!sysid) return std::nullopt;
    Expected expected{*sysid, std::string(key.substr(first + 1, second - first - 1)), {}, {}};
    const std::string_view last = key.substr(key.rfind('/') + 1);
    if (const auto wal = ObjectName::parse(last); wal && expected.folder == "wal") {
        expected.envelope = wal->segment;
        expected.fingerprint = wal->fingerprint;
        return expected;
    }
    const auto part = ObjectName::parse_backup(last);
    if (!part || expected.folder != "backup") return std::nullopt;
    // "backup/ID/PART"
    expected.envelope = std::string(key.substr(first + 1, key.rfind('/') - first)) + part->segment;
    expected.fingerprint = part->fingerprint;
    return expected;
}

class Discard : public Sink {
  public:
    void write(Bytes) override {}
    void finish() override {}
};

/// Hashes what comes, and opens it where that is possible.
class CheckingReceiver : public Receiver {
  public:
    CheckingReceiver(Pace& pace, const DecodeOptions* opening, std::optional<Expected> expected)
        : pace_(pace), opening_(opening), expected_(std::move(expected)) {}

    void begin() override {
        digest_.restart();
        size_ = 0;
        failure_.reset();
        decoder_.reset();
        if (opening_ != nullptr && expected_)
            decoder_ = std::make_unique<SegmentDecoder>(*opening_, discard_);
    }
    void write(Bytes bytes) override {
        digest_.update(bytes);
        size_ += bytes.size();
        if (decoder_) {
            opening([&] { decoder_->write(bytes); });
        }
        pace_.took(bytes.size());
    }
    std::uint64_t size() const noexcept { return size_; }
    std::string sha256() { return hex(digest_.finish()); }
    /// For bytes that hash to their name.
    void judge(Checked& checked) {
        if (decoder_) {
            opening([&] {
                decoder_->finish();
                compare(decoder_->envelope());
            });
        }
        checked.opened = decoder_ != nullptr;
        if (!failure_) return;
        // Its bytes are what the writer made, so no stanza is damaged: it is meant for other recipients.
        checked.for_others = failure_->kind() == ErrorKind::config;
        if (checked.for_others) return;
        checked.condition = Checked::Condition::invalid;
        checked.what = "its bytes hash to its name, but it cannot be used: " + failure_->message();
    }

  private:
    template <typename Step>
    void opening(Step step) {
        try {
            step();
        } catch (const Error& error) {
            failure_ = error;
            decoder_.reset();
        }
    }
    void compare(const Envelope& envelope) const {
        if (envelope.system_identifier == expected_->system_identifier &&
            envelope.name == expected_->envelope && envelope.fingerprint == expected_->fingerprint)
            return;
        throw Error(ErrorKind::integrity, "it holds " + envelope.name + " of cluster " +
                                              std::to_string(envelope.system_identifier) +
                                              ", which is not what its name says");
    }

    Pace& pace_;
    const DecodeOptions* const opening_;
    const std::optional<Expected> expected_;
    Discard discard_;
    Sha256 digest_;
    std::uint64_t size_ = 0;
    std::unique_ptr<SegmentDecoder> decoder_;
    std::optional<Error> failure_;
};

bool is_listed(ObjectStore& store, const std::string& key) {
    for (const ObjectInfo& info : store.list(key, "").objects) {
        if (info.key == key) return true;
    }
    return false;
}

/// One reading. nullopt: the object is not there.
std::optional<Checked> read_once(ObjectStore& store, const std::string& root, const std::string& key,
                                 Pace& pace, const CheckOptions& options) {
    CheckingReceiver receiver(pace, options.opening,
                              options.opening != nullptr ? expected_of(key, root.size()) : std::nullopt);
    Checked checked;
    try {
        store.get(key, receiver);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return std::nullopt;
        if (traits(error.kind()).scope != Scope::object) throw;
        return Checked{Checked::Condition::damaged, "it cannot be read: " + error.message()};
    }
    const std::string sha256 = receiver.sha256();
    if (sha256.starts_with(*hash_in_name(key))) {
        receiver.judge(checked);
        return checked;
    }
    checked.condition = Checked::Condition::damaged;
    checked.what = receiver.size() == 0
                       ? "it is empty"
                       : "its " + counted(receiver.size(), "byte does", "bytes do") + " not hash to its name";
    return checked;
}

}  // namespace

Checked check_object(ObjectStore& store, const std::string& root, const std::string& key, Pace& pace,
                     const CheckOptions& options) {
    const auto first = read_once(store, root, key, pace, options);
    if (first && first->condition != Checked::Condition::damaged) return *first;
    if (!sleep_unless_stopped(options.stop, options.pause))
        throw Error(ErrorKind::interrupted, "stopped on request");
    auto second = read_once(store, root, key, pace, options);
    if (second) {
        second->differed = first && second->condition != Checked::Condition::damaged;
        return *second;
    }
    if (!is_listed(store, key)) return Checked{Checked::Condition::gone, {}};
    return Checked{Checked::Condition::damaged, "the store lists it and does not have it when it is read"};
}

}  // namespace walferry::verify
