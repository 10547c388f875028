#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "console/catalogue.hpp"
#include "console/json_text.hpp"
#include "host/check/check.hpp"

namespace walferry::check {
namespace {

const char* mark(console::Verdict verdict) {
    switch (verdict) {
        case console::Verdict::passed:
            return "ok   ";
        case console::Verdict::skipped:
            return "skip ";
        case console::Verdict::warning:
            return "WARN ";
        case console::Verdict::failed:
        case console::Verdict::integrity:
            break;
    }
    return "FAIL ";
}

bool needs_remedy(const console::Finding& finding) {
    return finding.verdict != console::Verdict::passed && finding.verdict != console::Verdict::skipped;
}

/// Words that stay together: those of a command in backquotes, which somebody will paste.
std::vector<std::string> pieces_of(const std::string& text) {
    std::vector<std::string> pieces;
    bool in_command = false;
    std::string piece;
    for (const char c : text) {
        if (c == '`') in_command = !in_command;
        if (c == ' ' && !in_command) {
            pieces.push_back(std::exchange(piece, {}));
        } else {
            piece += c;
        }
    }
    pieces.push_back(std::move(piece));
    return pieces;
}

/// Lines broken between the pieces of a text.
std::string wrapped(const std::string& text, const std::string& first, const std::string& next) {
    static constexpr std::size_t width = 110;
    std::string out = first;
    std::size_t column = first.size();
    bool line_begins = true;
    for (const std::string& piece : pieces_of(text)) {
        if (!line_begins && column + 1 + piece.size() > width) {
            out += "\n" + next;
            column = next.size();
            line_begins = true;
        }
        out += (line_begins ? "" : " ") + piece;
        column += (line_begins ? 0 : 1) + piece.size();
        line_begins = false;
    }
    return out + "\n";
}

}  // namespace

std::string check_text(const Settings& settings, const CheckReport& report) {
    std::string text =
        "cluster " + settings.cluster + ", " + settings.file + ", " + format_time(wall_now()) + "\n";
    for (const console::Finding& finding : report.findings) {
        text += wrapped(
            finding.subject + ": " + finding.found + (needs_remedy(finding) ? " [" + finding.id + "]" : ""),
            mark(finding.verdict), "     ");
        if (!needs_remedy(finding)) continue;
        text += wrapped(console::catalogue_row(finding.id).meaning, "       it means: ", "         ");
        text += wrapped(one_line(finding.remedy), "       to fix:   ", "         ");
    }
    return text + std::to_string(report.count(console::Verdict::passed)) + " passed, " +
           std::to_string(report.count(console::Verdict::warning)) + " warnings, " +
           std::to_string(report.count(console::Verdict::failed) +
                          report.count(console::Verdict::integrity)) +
           " failed, " + std::to_string(report.count(console::Verdict::skipped)) + " skipped\n";
}

std::string check_json(const Settings& settings, const CheckReport& report) {
    auto findings = nlohmann::json::array();
    for (const console::Finding& finding : report.findings) {
        nlohmann::json each{{"id", finding.id},           {"verdict", console::to_string(finding.verdict)},
                            {"subject", finding.subject}, {"found", finding.found},
                            {"meaning", nullptr},         {"remedy", nullptr}};
        if (needs_remedy(finding)) {
            each["meaning"] = console::catalogue_row(finding.id).meaning;
            each["remedy"] = finding.remedy;
        }
        findings.push_back(std::move(each));
    }
    return console::json_text({{"cluster", settings.cluster},
                               {"configuration", settings.file},
                               {"time", format_time(wall_now())},
                               {"exit_code", report.exit_code()},
                               {"passed", report.count(console::Verdict::passed)},
                               {"warnings", report.count(console::Verdict::warning)},
                               {"failed", report.count(console::Verdict::failed)},
                               {"integrity", report.count(console::Verdict::integrity)},
                               {"skipped", report.count(console::Verdict::skipped)},
                               {"findings", findings}}) +
           "\n";
}

}  // namespace walferry::check
