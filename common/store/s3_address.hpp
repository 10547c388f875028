#pragma once
#include <string>
#include <string_view>

#include "common/settings/settings.hpp"

namespace walferry {

/// Where a bucket is reached: builds the host, path and URL of a request, in path style
/// (https://HOST/BUCKET/KEY) or virtual-host style (https://BUCKET.HOST/KEY).
class S3Address {
  public:
    /// Throws config for an endpoint that is no scheme://host[:port], for plain http to another host unless
    /// allow_http says so, for virtual-host addressing of a bare IP address, and for what cannot be a bucket.
    explicit S3Address(const StoreSettings& settings);

    const std::string& host() const noexcept {
        return host_;
    }  // the Host header: with the port where one is given
    bool loopback() const noexcept { return loopback_; }

    /// Encoded; an empty key is the bucket itself.
    std::string path(std::string_view key) const;
    std::string url(std::string_view encoded_path, std::string_view encoded_query) const;

  private:
    std::string scheme_;
    std::string host_;
    std::string bucket_in_path_;  // "/BUCKET" in path style
    bool loopback_ = false;
};

}  // namespace walferry
