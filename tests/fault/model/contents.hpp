#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace walferry::test::model {

/// What a server may ask to archive: a name, and one of the contents that can come under it.
struct Content {
    std::uint64_t system_identifier = 0;
    std::string name;
    unsigned variant = 0;
    std::string bytes;
    std::string sha256;       // of the bytes, 64 hex digits
    std::string fingerprint;  // XXH3-128, as in an object's name

    std::string directory() const { return std::to_string(system_identifier); }
    /// "SYSID/NAME-FINGERPRINT"
    std::string label() const { return directory() + "/" + name + "-" + fingerprint; }
};

std::string sha256_of(const std::string& bytes);

/// All contents of a walk; each has a number.
class Contents {
  public:
    /// The number of that content, which is made when it is new.
    int number(std::uint64_t system_identifier, const std::string& name, unsigned variant);
    /// -1: nobody ever pushed that.
    int find(const std::string& directory, const std::string& name, const std::string& sha256) const;
    int labelled(const std::string& label) const;
    const Content& operator[](int number) const { return all_[static_cast<std::size_t>(number)]; }

  private:
    std::vector<Content> all_;
    std::map<std::string, int> by_label_, by_sha256_, by_variant_;
};

}  // namespace walferry::test::model
