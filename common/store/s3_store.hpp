#pragma once
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "common/error.hpp"
#include "common/store/credentials.hpp"
#include "common/store/http.hpp"
#include "common/store/object_store.hpp"
#include "common/store/s3_address.hpp"
#include "common/store/sigv4.hpp"

namespace walferry {

/// A bucket of an S3 server. One attempt per call; see retry.hpp for more.
/// A put carries what every S3 server understands and nothing else (docs/stores.md).
class S3Store : public ObjectStore {
  public:
    /// Throws config when the endpoint, the credentials or the CA file cannot be used.
    S3Store(StoreSettings settings, StoreAccess access, std::stop_token stop);

    PutResult put(const std::string& key, const Body& body, const BodyDigest& digest) override;
    void get(const std::string& key, Receiver& receiver) override;
    void get_range(const std::string& key, std::uint64_t offset, std::uint64_t length,
                   Receiver& receiver) override;
    std::optional<ObjectInfo> head(const std::string& key) override;
    ObjectPage list(const std::string& prefix, const std::string& start_after) override;
    void remove(const std::string& key) override;

    VersionPage list_versions(const std::string& prefix, const std::string& key_marker,
                              const std::string& id_marker) override;
    void remove_version(const std::string& key, const std::string& id) override;
    std::optional<std::chrono::seconds> clock_ahead() const override { return clock_ahead_; }

    /// Of the object that was put or asked for with head() last: its version, where the bucket keeps
    /// versions, and when it was stored, by the store's clock.
    const std::string& version() const noexcept { return version_; }
    std::optional<std::chrono::sys_seconds> modified() const noexcept { return modified_; }

  private:
    struct Call;

    HttpResponse send(const Call& call);
    Error refused(const Call& call, const HttpResponse& response) const;
    HttpRequest signed_request(const Call& call, std::chrono::sys_seconds now) const;
    bool reload_credentials();
    ObjectPage list(const std::string& prefix, const std::string& start_after, int limit);
    std::string doing(const char* verb, const std::string& what) const;
    HttpResponse send_listing(const Call& call);
    void note_version(const HttpResponse& response);

    StoreSettings settings_;
    std::string credentials_file_;
    Credentials credentials_;
    S3Address address_;
    HttpClient client_;

    std::optional<std::chrono::seconds> clock_ahead_;
    std::string version_;
    std::optional<std::chrono::sys_seconds> modified_;
    // The SHA-256 that is signed and the read-back make an MD5 superfluous, and it would cost more than all
    // other hashes together. Only buckets with Object Lock want it.
    bool send_md5_ = false;
};

}  // namespace walferry
