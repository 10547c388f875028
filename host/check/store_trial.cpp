#include "host/check/store_trial.hpp"

#include <algorithm>
#include <span>

#include "common/clock.hpp"
#include "common/codec/digest.hpp"
#include "common/error.hpp"
#include "common/store/directory_store.hpp"
#include "common/store/retry.hpp"
#include "common/store/s3_store.hpp"

namespace walferry::check {
namespace {

/// It never changes, and its name holds its hash: the name never stands for two contents, however often and
/// from wherever it is put.
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
        // Anything longer is wrong already.
        if (text.size() <= trial_text.size())
            text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::string text;
};

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
    Sha256 sha256;
    sha256.update(std::as_bytes(std::span(trial_text)));
    const BodyDigest digest{sha256.finish()};
    const std::string key = root + "check/" + hex(digest.sha256).substr(0, 32);
    // Another host's check may remove it between the put and the get.
    for (int attempt = 1;; ++attempt) {
        has_put_ = !is_fresh(key);
        if (has_put_) {
            store_->put(key, TrialBody(), digest);
            if (s3_ != nullptr) version_ = s3_->version();
        }
        try {
            get(key);
            return key;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::not_found || attempt == 3) throw;
        }
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
    TrialReceiver receiver;
    store_->get(key, receiver);
    if (receiver.text != trial_text) {
        throw Error(ErrorKind::integrity, "what was put as " + key + " came back as something else");
    }
}

}  // namespace walferry::check
