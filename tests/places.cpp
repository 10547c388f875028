#include "tests/places.hpp"

#include <cstdlib>

// The only file that is compiled with absolute paths, so that a compiler cache can serve every other one.
namespace walferry::test {

std::string program_path(const std::string& name) {
    const char* directory = std::getenv("WALFERRY_BIN_DIR");
    return std::string(directory != nullptr ? directory : WALFERRY_BIN_DIR) + "/" + name;
}

std::string source_file(const std::string& path) {
    return std::string(WALFERRY_SOURCE_DIR) + "/" + path;
}

}  // namespace walferry::test
