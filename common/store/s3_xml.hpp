#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/store/object_store.hpp"

namespace walferry {

/// The parts of an S3 error document that say what to do; each may be empty.
struct S3ErrorBody {
    std::string code;
    std::string message;
    std::string region;
    std::string endpoint;
    std::string server_time;
};

/// nullopt when the text is no error document.
std::optional<S3ErrorBody> parse_error_body(std::string_view text);

/// Reads the answer to ListObjectsV2. Throws server_error, beginning with `doing`, for anything that cannot
/// be the answer to that question: keys out of order, with another prefix, not after `start_after`, or a page
/// that says "more" and brings nothing.
ObjectPage parse_listing(std::string_view text, const std::string& prefix, const std::string& start_after,
                         const std::string& doing);

/// Where a page of versions begins; both empty for the first.
struct VersionMarker {
    std::string key, id;
};

/// The same for ListObjectVersions. A bucket that keeps no versions calls each "null".
VersionPage parse_versions(std::string_view text, const std::string& prefix, const VersionMarker& begin,
                           const std::string& doing);

}  // namespace walferry
