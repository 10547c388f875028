#include <algorithm>
#include <utility>

#include "common/store/directory_store.hpp"
#include "common/store/object_store.hpp"
#include "common/store/retry.hpp"
#include "common/store/s3_store.hpp"

namespace walferry {
namespace {

std::unique_ptr<ObjectStore> open_kind(const StoreSettings& settings, StoreAccess access,
                                       std::stop_token stop) {
    if (settings.type == StoreType::directory)
        return std::make_unique<DirectoryStore>(settings, std::move(stop));
    return std::make_unique<S3Store>(settings, access, std::move(stop));
}

/// What cannot be used is often a file, whose message knows nothing of the store that wants it.
std::unique_ptr<ObjectStore> open_once(const StoreSettings& settings, StoreAccess access,
                                       std::stop_token stop) {
    const std::string store = "store " + settings.name + ": ";
    try {
        return open_kind(settings, access, std::move(stop));
    } catch (const Error& error) {
        if (error.message().starts_with(store)) throw;
        Error named(error.kind(), store + error.message(), error.hint());
        named.code = error.code;
        throw named;
    }
}

}  // namespace

std::unique_ptr<ObjectStore> open_store(const StoreSettings& settings, StoreAccess access,
                                        std::shared_ptr<Breaker> breaker, std::stop_token stop) {
    RetryPolicy policy;
    policy.attempts = std::max(1, settings.attempts);
    policy.longest_attempt = settings.connect_timeout + settings.silence_timeout;
    if (!breaker) breaker = std::make_shared<Breaker>();
    return std::make_unique<RetryingStore>(open_once(settings, access, stop), settings.name, policy,
                                           std::move(breaker), stop, RetryEnvironment::real(stop));
}

}  // namespace walferry
