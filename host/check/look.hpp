#pragma once
#include <chrono>
#include <optional>

#include "common/settings/settings.hpp"
#include "console/finding.hpp"
#include "host/check/apart.hpp"
#include "host/check/server_state.hpp"
#include "host/check/users.hpp"

namespace walferry::check {

/// What every part of a check may use.
struct CheckContext {
    const Settings& settings;
    Users users;
    std::optional<ServerState> server;          // as far as it answered
    std::chrono::milliseconds patience{5'000};  // for one answer of a store or server
};

// The parts, a file each. They run in processes of their own and may become other users.
void look_at_server(const CheckContext& context, console::Findings& findings, Facts& facts);
void look_at_role(const CheckContext& context, console::Findings& findings, Facts& facts);
void look_at_server_access(const CheckContext& context, console::Findings& findings, Facts& facts);
void look_at_spool(const CheckContext& context, console::Findings& findings, Facts& facts);
void look_at_uploader_access(const CheckContext& context, console::Findings& findings, Facts& facts);
void look_at_keys(const CheckContext& context, console::Findings& findings, Facts& facts);
void look_at_store(const CheckContext& context, const StoreSettings& store, console::Findings& findings,
                   Facts& facts);
void look_at_ledger(const CheckContext& context, console::Findings& findings, Facts& facts);

/// Ends a segment and follows it.
struct SwitchOptions {
    std::chrono::seconds limit;
    bool drain;
    bool show_progress;
};
void follow_switch(const CheckContext& context, const SwitchOptions& options, console::Findings& findings);

/// The judgement of what the server said, from nothing but that.
void judge_server(const ServerState& state, const Settings& settings, console::Findings& findings);

}  // namespace walferry::check
