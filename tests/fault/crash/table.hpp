#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tests/fault/crash/stage.hpp"

namespace walferry::crash {

struct Table {
    std::string title;
    std::string scenario;
    unsigned calls;  // in a run that is not killed
    unsigned every;  // 1: all positions
    std::vector<Row> rows;
};

/// One line to stdout as soon as it is known, and one for everything that is wrong.
void print(const Row& row);

/// All tables and what they mean, as Markdown.
std::string document(const std::vector<Table>& tables);

/// Positions and failures.
std::pair<unsigned, unsigned> totals(const std::vector<Table>& tables);

}  // namespace walferry::crash
