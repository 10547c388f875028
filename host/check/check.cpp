#include "host/check/check.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "console/catalogue.hpp"
#include "console/exit_code.hpp"
#include "host/check/look.hpp"
#include "host/check/remedies.hpp"
#include "server/alter_system.hpp"

namespace walferry::check {
namespace {

void append(std::vector<console::Finding>& all, std::vector<console::Finding>&& more) {
    std::move(more.begin(), more.end(), std::back_inserter(all));
}

using Look = void (*)(const CheckContext&, console::Findings&, Facts&);

Part part(const CheckContext& context, const char* name, Look look) {
    return {name,
            [&context, look](console::Findings& findings, Facts& facts) { look(context, findings, facts); }};
}

std::vector<Part> parts_of(const CheckContext& context) {
    std::vector<Part> parts{
        part(context, "uploader's connection", look_at_role),
        part(context, "server's user", look_at_server_access), part(context, "spool", look_at_spool),
        part(context, "uploader's user", look_at_uploader_access), part(context, "keys", look_at_keys)};
    for (const StoreSettings& store : context.settings.stores) {
        parts.push_back(
            {"store " + store.name, [&context, &store](console::Findings& findings, Facts& facts) {
                 look_at_store(context, store, findings, facts);
             }});
    }
    parts.push_back(part(context, "ledger", look_at_ledger));
    return parts;
}

/// Apart too: the spool may be on a network filesystem whose server is gone.
SpoolTraces traces(const Settings& settings, CheckReport& report) {
    const Part part{"spool's owner",
                    [&](console::Findings&, Facts& facts) {
                        const SpoolTraces found = trace_users(settings.spool);
                        facts = nlohmann::json::object();
                        if (found.owner) facts["owner"] = {found.owner->uid, found.owner->gid};
                        if (found.drain) facts["drain"] = {found.drain->uid, found.drain->gid};
                    },
                    std::chrono::milliseconds(5'000)};
    PartAnswer answer = std::move(run_apart({part}).front());
    append(report.findings, std::move(answer.findings));
    SpoolTraces traces;
    const auto facts = nlohmann::json::parse(answer.facts);
    if (facts.contains("owner")) traces.owner = {facts["owner"].at(0), facts["owner"].at(1)};
    if (facts.contains("drain")) traces.drain = {facts["drain"].at(0), facts["drain"].at(1)};
    return traces;
}

std::vector<console::Finding> run_switch(const CheckContext& context, const CheckOptions& options) {
    const SwitchOptions how{options.switch_limit, options.drain, options.show_progress};
    const Part part{"switch",
                    [&](console::Findings& findings, Facts&) { follow_switch(context, how, findings); },
                    options.switch_limit + std::chrono::seconds(15)};
    return std::move(run_apart({part}).front().findings);
}

}  // namespace

std::size_t CheckReport::count(console::Verdict verdict) const {
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(),
                      [&](const console::Finding& each) { return each.verdict == verdict; }));
}

int CheckReport::exit_code() const {
    if (!configuration_read) return console::exit_code::usage;
    if (count(console::Verdict::integrity) > 0) return console::exit_code::integrity;
    return count(console::Verdict::failed) > 0 ? console::exit_code::failed : console::exit_code::done;
}

CheckReport run_check(const Settings& settings, const CheckOptions& options) {
    CheckReport report;
    const SpoolTraces spool = traces(settings, report);
    CheckContext context{settings, find_users(spool, options.uploader), std::nullopt};
    const console::RemedyWords words = remedy_words(context, spool.owner);
    // What the server says is what other parts are measured by.
    if (options.ask_server) {
        Part server = part(context, "PostgreSQL", look_at_server);
        server.limit = std::chrono::milliseconds(10'000);
        std::vector<PartAnswer> answers = run_apart({server});
        append(report.findings, std::move(answers.front().findings));
        const auto facts = nlohmann::json::parse(answers.front().facts);
        if (facts.is_object()) context.server = facts.get<ServerState>();
    }
    for (PartAnswer& answer : run_apart(parts_of(context)))
        append(report.findings, std::move(answer.findings));
    if (options.follow_switch) append(report.findings, run_switch(context, options));
    for (console::Finding& finding : report.findings) {
        finding.remedy = console::filled_in(finding.remedy, words);
        if (context.server && !context.server->alter_system)
            finding.remedy = server::without_alter_system(finding.remedy);
    }
    return report;
}

}  // namespace walferry::check
