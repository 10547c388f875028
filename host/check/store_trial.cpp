#include "host/check/store_trial.hpp"

#include <algorithm>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/store/directory_store.hpp"
#include "common/store/read_back.hpp"
#include "common/store/retry.hpp"
#include "common/store/s3_store.hpp"
#include "transfer/plain_object.hpp"
#include "transfer/put_verified.hpp"

namespace walferry::check {
namespace {

/// It never changes, and its name holds its hash: the name never stands for two contents, however often and
/// from wherever it is put.
constexpr std::string_view trial_text =
    "walferry check put this here to see whether it can. It may be removed.\n";

const transfer::PlainObject& trial_object() {
    static const transfer::PlainObject object{std::string(trial_text)};
    return object;
}

Error came_back_otherwise(const std::string& key) {
    return {ErrorKind::integrity, "what was put as " + key + " came back as something else"};
}

RetryPolicy short_policy(const StoreSettings& settings, std::chrono::milliseconds patience) {
    RetryPolicy policy;
    policy.attempts = std::min(settings.attempts, 3);
    policy.operation_budget = 2 * patience;
    policy.store_budget = 2 * patience;
    policy.longest_attempt = patience;
    return policy;
}

}  // namespace

StoreTrial::StoreTrial(StoreSettings settings, StoreAccess access, std::chrono::milliseconds patience) {
    settings.connect_timeout = std::min(settings.connect_timeout, patience);
    settings.silence_timeout = std::min(settings.silence_timeout, patience);
    std::unique_ptr<ObjectStore> plain;
    if (settings.type == StoreType::s3) {
        auto s3 = std::make_unique<S3Store>(settings, access, std::stop_token{});
        s3_ = s3.get();
        plain = std::move(s3);
    } else {
        plain = std::make_unique<DirectoryStore>(settings, std::stop_token{});
    }
    store_ = std::make_unique<RetryingStore>(std::move(plain), settings.name,
                                             short_policy(settings, patience), std::make_shared<Breaker>(),
                                             std::stop_token{}, RetryEnvironment::real({}));
}

std::optional<std::chrono::seconds> StoreTrial::clock_ahead() const {
    return s3_ == nullptr ? std::nullopt : s3_->clock_ahead();
}

std::string StoreTrial::put_and_get(const std::string& root) {
    const std::string key = root + "check/" + trial_object().sha256().substr(0, 32);
    if (is_fresh(key)) {
        try {
            get(key);
            return key;
        } catch (const Error& error) {
            // Another host's check may have removed it meanwhile.
            if (error.kind() != ErrorKind::not_found) throw;
        }
    }
    put(key);
    return key;
}

void StoreTrial::put(const std::string& key) {
    has_put_ = true;
    transfer::Sending sending{"what was put as " + key, "the check goes on without it", {}, 2};
    sending.taken = [this] {
        if (s3_ != nullptr) version_ = s3_->version();
    };
    try {
        transfer::put_verified(*store_, trial_object().at(key), sending);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity) throw;
        throw came_back_otherwise(key);
    }
}

/// By the store's clock, as its own time is.
bool StoreTrial::is_fresh(const std::string& key) {
    if (s3_ == nullptr || store_->list(key, "").objects.empty() || !store_->head(key)) return false;
    const auto modified = s3_->modified();
    if (!modified) return false;
    version_ = s3_->version();
    return wall_now() + s3_->clock_ahead().value_or(std::chrono::seconds(0)) - *modified <
           std::chrono::hours(24);
}

void StoreTrial::remove(const std::string& key) {
    if (version_.empty()) {
        store_->remove(key);
    } else {
        s3_->remove_version(key, version_);
    }
}

void StoreTrial::get(const std::string& key) {
    const ReadBack seen = read_back(*store_, key, trial_object().size());
    if (seen.sha256 != trial_object().sha256()) throw came_back_otherwise(key);
}

}  // namespace walferry::check
