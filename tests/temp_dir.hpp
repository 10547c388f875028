#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace walferry::test {

/// A directory of its own, removed at the end. Under $WALFERRY_TEST_DIR, else /var/tmp: a real filesystem,
/// where /tmp may be in memory.
class TempDir {
  public:
    TempDir() {
        const char* base = std::getenv("WALFERRY_TEST_DIR");
        path_ = std::string(base != nullptr ? base : "/var/tmp") + "/walferry-test-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

    std::string write(const std::string& name, const std::string& content) const {
        std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
        std::ofstream file(*this / name, std::ios::binary | std::ios::trunc);
        file << content;
        if (!file.flush()) throw std::runtime_error("cannot write " + *this / name);
        return *this / name;
    }

  private:
    std::string path_;
};

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace walferry::test
