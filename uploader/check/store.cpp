#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/settings_values.hpp"
#include "common/store/directory_store.hpp"
#include "common/store/retry.hpp"
#include "common/store/s3_store.hpp"
#include "uploader/check/catalogue.hpp"
#include "uploader/check/handed_over.hpp"
#include "uploader/check/look.hpp"
#include "uploader/check/store_verdict.hpp"

namespace walferry {
namespace {

/// What is put as a trial. It never changes, and its name holds its hash: the name never stands for two
/// contents, however often and from wherever it is put.
constexpr std::string_view trial_text =
    "walferry check put this here to see whether it can. It may be removed.\n";

class TrialBody : public Body {
  public:
    std::uint64_t size() const noexcept override { return trial_text.size(); }
    std::size_t read_at(std::uint64_t offset, MutableBytes out) const override {
        const auto bytes = std::as_bytes(std::span(trial_text));
        const std::size_t begin = std::min<std::size_t>(offset, bytes.size());
        const std::size_t count = std::min(out.size(), bytes.size() - begin);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin), count, out.begin());
        return count;
    }
};

class TrialReceiver : public Receiver {
  public:
    void begin() override { text.clear(); }
    void write(Bytes bytes) override {
        if (text.size() < 4096) text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::string text;
};

/// A store with one connection, short limits, and a look at its clock.
class Trial {
  public:
    Trial(StoreSettings settings, StoreAccess access, std::chrono::milliseconds patience) {
        settings.connect_timeout = std::min(settings.connect_timeout, patience);
        settings.silence_timeout = std::min(settings.silence_timeout, patience);
        RetryPolicy policy;
        policy.attempts = std::min(settings.attempts, 3);
        policy.operation_budget = 2 * patience;
        policy.store_budget = 2 * patience;
        policy.longest_attempt = std::chrono::milliseconds(1000);
        std::unique_ptr<ObjectStore> plain;
        if (settings.type == StoreType::s3) {
            auto s3 = std::make_unique<S3Store>(settings, access, std::stop_token{});
            s3_ = s3.get();
            plain = std::move(s3);
        } else {
            plain = std::make_unique<DirectoryStore>(settings, std::stop_token{});
        }
        store_ = std::make_unique<RetryingStore>(std::move(plain), settings.name, policy,
                                                 std::make_shared<Breaker>(), std::stop_token{},
                                                 RetryEnvironment::real({}));
    }

    ObjectStore& store() { return *store_; }
    std::optional<std::chrono::seconds> clock_ahead() const {
        return s3_ == nullptr ? std::nullopt : s3_->clock_ahead();
    }

  private:
    S3Store* s3_ = nullptr;
    std::unique_ptr<ObjectStore> store_;
};

std::string root_of(const Settings& settings, const StoreSettings& store) {
    return (store.prefix.empty() ? "" : store.prefix + "/") + settings.cluster + "/";
}

/// Another host's check may remove the trial's object between the put and the get, so that a missing one is
/// put once more.
void put_and_get(ObjectStore& store, const std::string& key, const BodyDigest& digest) {
    for (int attempt = 1;; ++attempt) {
        store.put(key, TrialBody(), digest);
        TrialReceiver receiver;
        try {
            store.get(key, receiver);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::not_found || attempt == 3) throw;
            continue;
        }
        if (receiver.text == trial_text) return;
        throw Error(ErrorKind::integrity, "an object of " + std::to_string(trial_text.size()) +
                                              " bytes was put as " + key +
                                              " and came back as something else");
    }
}

void judge_clock(const Trial& trial, Findings& findings) {
    const auto ahead = trial.clock_ahead();
    if (!ahead) return;
    const std::chrono::seconds apart(std::abs(ahead->count()));
    const std::string text = "the store's clock is " + format_duration(apart) +
                             (ahead->count() < 0 ? " behind" : " ahead of") + " this host's";
    if (apart > std::chrono::minutes(5)) {
        findings.fail(finding_id::store_clock, text);
    } else if (apart > std::chrono::seconds(60)) {
        findings.warn(finding_id::store_clock, text);
    } else {
        findings.pass(finding_id::store_clock, "its clock and this host's agree");
    }
}

void try_delete(ObjectStore& store, const std::string& key, Findings& findings) {
    try {
        store.remove(key);
        findings.pass(finding_id::store_delete, "the keys may delete");
    } catch (const Error& error) {
        findings.warn(finding_id::store_delete, error.message());
    }
}

void try_restore_keys(const CheckContext& context, const StoreSettings& store, Trial* restore,
                      const std::string& key, Findings& findings) {
    if (restore == nullptr) return;
    try {
        restore->store().list(root_of(context.settings, store), "");
        TrialReceiver receiver;
        restore->store().get(key, receiver);
        findings.pass(finding_id::store_restore_keys,
                      "the keys in " + store.restore_credentials_file + " can list and get");
    } catch (const Error& error) {
        findings.fail(finding_id::store_restore_keys, error.message(), error.hint());
    }
}

/// Opened while the caller is still root: the file may be meant for the server's user alone.
std::unique_ptr<Trial> open_restore_keys(const CheckContext& context, const StoreSettings& store,
                                         Findings& findings) {
    if (store.restore_credentials_file.empty()) return nullptr;
    try {
        return std::make_unique<Trial>(store, StoreAccess::restore, context.patience);
    } catch (const Error& error) {
        if (context.users.root || ::access(store.restore_credentials_file.c_str(), R_OK) == 0) {
            findings.fail(finding_id::store_restore_keys, error.message(), error.hint());
        } else {
            findings.skip(finding_id::store_restore_keys,
                          "who runs this check may not read " + store.restore_credentials_file);
        }
        return nullptr;
    }
}

}  // namespace

void look_at_store(const CheckContext& context, const StoreSettings& store, Findings& findings, Facts&) {
    if (store.type == StoreType::s3 && store.endpoint.starts_with("http://") &&
        !is_loopback_endpoint(store.endpoint))
        findings.warn(finding_id::store_plain_http, store.endpoint + " is plain http");
    const auto restore = open_restore_keys(context, store, findings);
    std::unique_ptr<Trial> trial;
    try {
        if (handed_over(store.credentials_file))
            trial = std::make_unique<Trial>(store, StoreAccess::write, context.patience);
    } catch (const Error& error) {
        report_store_error(error, findings);
        return;
    }
    if (context.users.uploader) {
        become(*context.users.uploader);
    } else if (store.type == StoreType::directory) {
        findings.skip(finding_id::uploader_user,
                      "root leaves nothing in a directory store: name the uploader's user with --uploader");
        return;
    }
    try {
        if (!trial) trial = std::make_unique<Trial>(store, StoreAccess::write, context.patience);
        const std::string root = root_of(context.settings, store);
        trial->store().list(root, "");
        Sha256 sha256;
        sha256.update(std::as_bytes(std::span(trial_text)));
        const BodyDigest digest{sha256.finish()};
        const std::string key = root + "check/" + hex(digest.sha256).substr(0, 32);
        put_and_get(trial->store(), key, digest);
        findings.pass(finding_id::store_rights,
                      "the keys may list, put and get; what was put came back as it was");
        try_restore_keys(context, store, restore.get(), key, findings);
        try_delete(trial->store(), key, findings);
    } catch (const Error& error) {
        report_store_error(error, findings);
        if (error.kind() == ErrorKind::clock_skew) return;
    }
    if (trial) judge_clock(*trial, findings);
}

}  // namespace walferry
