#include "host/check/store_verdict.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/store/http.hpp"
#include "console/catalogue.hpp"

namespace walferry::check {
namespace {

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), code) != names.end();
}

}  // namespace

const char* store_finding_id(const Error& error) {
    switch (error.kind()) {
        case ErrorKind::config:
            return error.code == unusable_ca_file ? console::finding_id::store_certificate
                                                  : console::finding_id::store_credentials;
        case ErrorKind::unreachable:
        case ErrorKind::interrupted:
            return console::finding_id::store_unreachable;
        case ErrorKind::untrusted:
            return console::finding_id::store_certificate;
        case ErrorKind::no_bucket:
            return console::finding_id::store_bucket;
        case ErrorKind::clock_skew:
            return console::finding_id::store_clock;
        case ErrorKind::no_space:
            return console::finding_id::store_full;
        case ErrorKind::integrity:
        case ErrorKind::conflict:
            return console::finding_id::store_damage;
        case ErrorKind::denied:
            return error.code.empty() || is_one_of(error.code, {"AccessDenied", "AllAccessDisabled"})
                       ? console::finding_id::store_rights
                       : console::finding_id::store_key;
        case ErrorKind::rejected:
            return is_one_of(error.code,
                             {"AuthorizationHeaderMalformed", "InvalidRegionName", "PermanentRedirect",
                              "TemporaryRedirect", "IllegalLocationConstraintException"})
                       ? console::finding_id::store_region
                       : console::finding_id::store_endpoint;
        default:
            return console::finding_id::store_trouble;
    }
}

void report_store_error(const Error& error, console::Findings& findings) {
    const char* id = store_finding_id(error);
    const bool integrity = std::string_view(id) == console::finding_id::store_damage;
    findings.add(id, integrity ? console::Verdict::integrity : console::Verdict::failed, error.message(),
                 error.hint());
}

}  // namespace walferry::check
