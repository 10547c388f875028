#pragma once
#include <functional>
#include <string>
#include <vector>

namespace walferry::console {

/// integrity: what is stored, or was to be, contradicts itself; a person has to look.
enum class Verdict { passed, skipped, warning, failed, integrity };
const char* to_string(Verdict verdict) noexcept;

/// One thing that was looked at. What a finding means, and how it is usually fixed, stands in the table of
/// catalogue.hpp under its id.
struct Finding {
    std::string id;  // one of the table's
    Verdict verdict = Verdict::passed;
    std::string subject;  // what was looked at: "PostgreSQL", "store r2", a path
    std::string found;    // one line
    std::string remedy;   // the exact command or edit; empty where nothing is to be fixed
};

/// Takes down what one part of a check finds.
class Findings {
  public:
    using Watch = std::function<void(const Finding&)>;
    /// `watch` hears of each finding at once.
    explicit Findings(std::string subject, Watch watch = {})
        : subject_(std::move(subject)), watch_(std::move(watch)) {}

    void pass(const char* id, const std::string& found) { add(id, Verdict::passed, found, {}); }
    void skip(const char* id, const std::string& reason) { add(id, Verdict::skipped, reason, {}); }
    /// Without a remedy of its own it gets the table's.
    void warn(const char* id, const std::string& found, std::string remedy = {}) {
        add(id, Verdict::warning, found, std::move(remedy));
    }
    void fail(const char* id, const std::string& found, std::string remedy = {}) {
        add(id, Verdict::failed, found, std::move(remedy));
    }
    void contradiction(const char* id, const std::string& found, std::string remedy = {}) {
        add(id, Verdict::integrity, found, std::move(remedy));
    }
    void add(const char* id, Verdict verdict, const std::string& found, std::string remedy);

    const std::vector<Finding>& all() const noexcept { return findings_; }

  private:
    std::string subject_;
    Watch watch_;
    std::vector<Finding> findings_;
};

}  // namespace walferry::console
