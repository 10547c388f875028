#include "maintenance/expire/expire_report.hpp"

#include <array>
#include <map>

#include "console/json_text.hpp"

namespace walferry::expire {
namespace {

constexpr std::array fate_names{"keep", "mark", "wait", "remove"};

const char* name_of(Fate fate) {
    return fate_names.at(static_cast<std::size_t>(fate));
}

std::string amount_text(const Amount& amount) {
    return counted(amount.objects, "object", "objects") + ", " + format_bytes(amount.bytes);
}

std::uint64_t size_of(const StoredCluster& cluster, const Backup& backup) {
    std::uint64_t size = 0;
    for (const std::uint32_t object : backup.objects) size += cluster.objects[object].size;
    return size;
}

/// Neighbouring segments of which the same is to be said.
struct Stretch {
    std::uint32_t timeline;
    std::uint64_t first, last;
    WalDecision decision;
    Amount amount;
};

std::vector<Stretch> stretches(const StoredCluster& cluster, const Plan& plan) {
    std::vector<Stretch> found;
    for (std::size_t i = 0; i < plan.wal.size(); ++i) {
        const WalFile& file = cluster.wal[i];
        if (file.kind == WalKind::history) continue;
        const WalDecision& decision = plan.wal[i];
        const bool goes_on = !found.empty() && found.back().timeline == file.timeline &&
                             found.back().decision.fate == decision.fate &&
                             found.back().decision.reason == decision.reason;
        if (!goes_on) found.push_back({file.timeline, file.number, file.number, decision, {}});
        found.back().last = file.number;
        ++found.back().amount.objects;
        found.back().amount.bytes += file.size;
    }
    return found;
}

std::string segment(const StoredCluster& cluster, std::uint32_t timeline, std::uint64_t number) {
    return WalName::segment_at(timeline, number * cluster.segment_size, cluster.segment_size).text;
}

std::string decision_text(const Decision& decision) {
    std::string text = decision.why;
    if (decision.fate == Fate::wait && decision.until)
        text += "; is removed after " + format_time(*decision.until);
    return text;
}

std::string line(const char* fate, const std::string& what, const std::string& why) {
    std::string text = "  " + std::string(fate);
    text.resize(std::max<std::size_t>(text.size() + 1, 10), ' ');
    return text + what + ": " + why + "\n";
}

std::string done_text(const Done& done) {
    std::string text;
    if (done.withdrawn > 0) text += "  " + counted(done.withdrawn, "mark", "marks") + " taken back\n";
    if (done.removed.objects > 0)
        text += "  removed " + counted(done.backups, "backup", "backups") + ", in all " +
                amount_text(done.removed) + "\n";
    if (done.locked.objects > 0)
        text += "  kept by the store: " + amount_text(done.locked) + " (" + one_line(done.locked_why) + ")\n";
    return text;
}

std::string plan_text(const StoreReport& report, bool dry_run) {
    const StoredCluster& cluster = report.listed.cluster;
    const Plan& plan = report.plan;
    std::string text = "  policy    " + report.retention.policy() + "\n";
    if (plan.window)
        text += "  window    from " + format_time(plan.window->start) + " to " +
                format_time(plan.window->end) + "\n";
    for (std::size_t i = 0; i < plan.backups.size(); ++i) {
        const Decision& decision = plan.backups[i];
        text += line(name_of(decision.fate),
                     "backup " + cluster.backups[i].id.text + " (" +
                         format_bytes(size_of(cluster, cluster.backups[i])) + ")",
                     decision_text(decision));
    }
    for (const Stretch& each : stretches(cluster, plan)) {
        Decision decision = plan.wal_reasons[each.decision.reason];
        decision.fate = each.decision.fate;
        text += line(name_of(each.decision.fate),
                     "WAL " + segment(cluster, each.timeline, each.first) + " to " +
                         segment(cluster, each.timeline, each.last) + " (" + amount_text(each.amount) + ")",
                     decision_text(decision));
    }
    std::map<std::pair<Fate, std::string>, Amount> orphans;
    for (std::size_t i = 0; i < plan.objects.size(); ++i) {
        if (plan.objects[i].why.rfind("no index names it", 0) != 0) continue;
        Amount& amount = orphans[{plan.objects[i].fate, decision_text(plan.objects[i])}];
        ++amount.objects;
        amount.bytes += cluster.objects[i].size;
    }
    for (const auto& [what, amount] : orphans)
        text += line(name_of(what.first), amount_text(amount), what.second);
    for (const Fate fate : {Fate::keep, Fate::mark, Fate::wait, Fate::remove})
        text += "  in all    " + std::string(name_of(fate)) + ": " + amount_text(plan.amount(fate)) + "\n";
    if (dry_run) text += "  nothing was changed: this is --dry-run\n";
    return text;
}

nlohmann::json amount_json(const Amount& amount) {
    return {{"objects", amount.objects}, {"bytes", amount.bytes}};
}

nlohmann::json decision_json(const Decision& decision, Fate fate) {
    nlohmann::json json{{"fate", name_of(fate)}, {"why", decision.why}, {"until", nullptr}};
    if (fate == Fate::wait && decision.until) json["until"] = format_time(*decision.until);
    return json;
}

nlohmann::json plan_json(const StoreReport& report) {
    const StoredCluster& cluster = report.listed.cluster;
    const Plan& plan = report.plan;
    nlohmann::json json;
    json["window"] = nullptr;
    if (plan.window)
        json["window"] = {{"start", format_time(plan.window->start)}, {"end", format_time(plan.window->end)}};
    json["backups"] = nlohmann::json::array();
    for (std::size_t i = 0; i < plan.backups.size(); ++i) {
        nlohmann::json backup = decision_json(plan.backups[i], plan.backups[i].fate);
        backup["id"] = cluster.backups[i].id.text;
        backup["made_by"] = cluster.backups[i].made_by;
        backup["counted"] = cluster.backups[i].counted;
        backup["bytes"] = size_of(cluster, cluster.backups[i]);
        json["backups"].push_back(std::move(backup));
    }
    json["wal"] = nlohmann::json::array();
    for (const Stretch& each : stretches(cluster, plan)) {
        nlohmann::json wal = decision_json(plan.wal_reasons[each.decision.reason], each.decision.fate);
        wal["first"] = segment(cluster, each.timeline, each.first);
        wal["last"] = segment(cluster, each.timeline, each.last);
        wal["objects"] = each.amount.objects;
        wal["bytes"] = each.amount.bytes;
        json["wal"].push_back(std::move(wal));
    }
    for (const Fate fate : {Fate::keep, Fate::mark, Fate::wait, Fate::remove})
        json["amounts"][name_of(fate)] = amount_json(plan.amount(fate));
    json["notes"] = plan.notes;
    return json;
}

}  // namespace

std::string report_text(const std::vector<StoreReport>& reports, bool dry_run) {
    std::string text;
    for (const StoreReport& report : reports) {
        text += "store " + report.store;
        if (report.system_identifier != 0) text += ", cluster " + std::to_string(report.system_identifier);
        text += "\n";
        if (report.problem && report.plan.backups.empty() && report.plan.wal.empty()) {
            text += "  nothing was decided: " + std::string(report.problem->what()) + "\n";
            continue;
        }
        if (!report.plan.blocked.empty())
            text += "  nothing is marked or removed: " + one_line(report.plan.blocked) + "\n";
        else
            text += plan_text(report, dry_run);
        for (const auto* notes : {&report.plan.notes, &report.listed.notes, &report.listed.holds.refused}) {
            for (const std::string& note : *notes) text += "  note      " + one_line(note) + "\n";
        }
        if (report.listed.unknown > 0)
            text += "  note      " + counted(report.listed.unknown, "object is", "objects are") +
                    " not of walferry's making and left alone\n";
        text += done_text(report.done);
        if (report.problem) text += "  ended early: " + std::string(report.problem->what()) + "\n";
    }
    return text;
}

nlohmann::json report_json(const std::vector<StoreReport>& reports, bool dry_run) {
    nlohmann::json stores = nlohmann::json::array();
    for (const StoreReport& report : reports) {
        nlohmann::json store = plan_json(report);
        store["store"] = report.store;
        store["system_identifier"] = std::to_string(report.system_identifier);
        store["policy"] = report.retention.expires() ? nlohmann::json(report.retention.policy()) : nullptr;
        store["blocked"] =
            report.plan.blocked.empty() ? nlohmann::json(nullptr) : nlohmann::json(report.plan.blocked);
        store["problem"] = report.problem ? nlohmann::json(report.problem->what()) : nullptr;
        store["unknown_objects"] = report.listed.unknown;
        store["done"] = {{"marks", report.done.marks},
                         {"withdrawn", report.done.withdrawn},
                         {"backups", report.done.backups},
                         {"removed", amount_json(report.done.removed)},
                         {"locked", amount_json(report.done.locked)},
                         {"locked_why", report.done.locked_why}};
        stores.push_back(std::move(store));
    }
    return {{"dry_run", dry_run}, {"stores", std::move(stores)}};
}

}  // namespace walferry::expire
