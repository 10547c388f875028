#include "console/outcome.hpp"

#include <utility>

#include "console/exit_code.hpp"

namespace walferry::console {

Outcome::Outcome(std::function<void(const std::string&)> say) : say_(std::move(say)) {}

void Outcome::report(int exit_code, const std::string& line) {
    const std::lock_guard lock(mutex_);
    exit_code_ = worse_exit(exit_code_, exit_code);
    if (exit_code != 0 && first_problem_.empty()) first_problem_ = line;
    if (said_[line]++ == 0) say_(line);
}

void Outcome::raise(int exit_code) {
    const std::lock_guard lock(mutex_);
    exit_code_ = worse_exit(exit_code_, exit_code);
}

void Outcome::forgive() {
    const std::lock_guard lock(mutex_);
    said_.clear();
    if (exit_code_ == exit_code::integrity) return;
    exit_code_ = exit_code::done;
    first_problem_.clear();
}

void Outcome::complete() {
    const std::lock_guard lock(mutex_);
    if (exit_code_ != exit_code::incomplete) return;
    exit_code_ = exit_code::done;
    first_problem_.clear();
}

void Outcome::say_again() {
    const std::lock_guard lock(mutex_);
    said_.clear();
}

std::string Outcome::first_problem() const {
    const std::lock_guard lock(mutex_);
    return first_problem_;
}

}  // namespace walferry::console
