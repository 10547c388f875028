#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "common/settings/settings.hpp"
#include "console/finding.hpp"

namespace walferry::check {

struct CheckOptions {
    std::string uploader;  // USER or USER:GROUP; only for root
    bool ask_server = true;
    bool follow_switch = false;  // force a segment switch, and follow the segment into every store
    bool drain = false;          // and bring it there in this run
    std::chrono::seconds switch_limit{120};
    bool show_progress = false;  // on standard error
};

struct CheckReport {
    std::vector<console::Finding> findings;
    bool configuration_read = true;

    std::size_t count(console::Verdict verdict) const;
    /// 0, 1 where something failed, 3 where something contradicts itself, 2 without a configuration.
    int exit_code() const;
};

/// Looks at everything. Takes half a minute at most, whatever hangs. It forks, so the caller may have one
/// thread only. Throws usage for options that name nobody.
CheckReport run_check(const Settings& settings, const CheckOptions& options);

/// One line for each finding; those to be fixed with what they mean and how.
std::string check_text(const Settings& settings, const CheckReport& report);
std::string check_json(const Settings& settings, const CheckReport& report);

}  // namespace walferry::check
