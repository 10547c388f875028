#pragma once
#include <stdexcept>
#include <string>

namespace walferry::test::model {

/// Something that must hold does not.
class Broken : public std::runtime_error {
  public:
    Broken(std::string rule_, const std::string& detail)
        : std::runtime_error(rule_ + ": " + detail), rule(std::move(rule_)) {}
    std::string rule;
};

inline void must(bool holds, const std::string& rule, const std::string& detail) {
    if (!holds) throw Broken(rule, detail);
}

}  // namespace walferry::test::model
