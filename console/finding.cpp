#include "console/finding.hpp"

#include "common/error.hpp"
#include "console/catalogue.hpp"

namespace walferry::console {

const char* to_string(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::passed:
            return "passed";
        case Verdict::skipped:
            return "skipped";
        case Verdict::warning:
            return "warning";
        case Verdict::failed:
            return "failed";
        case Verdict::integrity:
            break;
    }
    return "integrity";
}

void Findings::add(const char* id, Verdict verdict, const std::string& found, std::string remedy) {
    const CatalogueRow& row = catalogue_row(id);
    const bool to_mend = verdict != Verdict::passed && verdict != Verdict::skipped;
    if (to_mend && remedy.empty()) remedy = row.remedy;
    findings_.push_back({row.id, verdict, subject_, one_line(found), to_mend ? std::move(remedy) : ""});
    if (watch_) watch_(findings_.back());
}

}  // namespace walferry::console
