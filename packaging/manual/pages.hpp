#pragma once
#include <string>

#include "packaging/manual/program_doc.hpp"

namespace walferry::manual {

/// walferry-archive-push(1) and walferry-archive-get(1). `more` is what the page has beside the program's own
/// text: the files and the environment it looks at.
struct Extras {
    std::vector<std::pair<std::string, std::string>> environment, files;
    std::string examples, see_also;
};
std::string program_page(const ProgramDoc& program, const Extras& extras);

/// walferry(1): every command with its options.
std::string walferry_page(const ProgramDoc& walferry, const Extras& extras);

/// walferry.toml(5), from the table of keys.
std::string configuration_page();

}  // namespace walferry::manual
