#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/settings/settings.hpp"
#include "common/store/http.hpp"

namespace walferry {

/// An answer that was not what the request asked for.
struct S3Refusal {
    const std::string& doing;  // "store r2: put KEY"
    const HttpResponse& response;
    const StoreSettings& settings;
    const std::string& credentials_file;
    std::chrono::sys_seconds now;
    std::string_view right = "s3:ListBucket, s3:PutObject and s3:GetObject";  // what the request needed
};

/// What the answer means and what to do about it: from the error document's code where there is one, else
/// from the status.
Error s3_error(const S3Refusal& refusal);

/// A server's words made fit for one line of a log: printable ASCII, at most 200 characters.
std::string cleaned(std::string_view text);

}  // namespace walferry
