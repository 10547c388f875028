#pragma once
#include <string>
#include <vector>

namespace walferry::test {

/// One of the public conformance vectors for the age format (C2SP/CCTV).
struct AgeVector {
    std::string name;
    std::string expect;          // "success", "header failure" …
    std::string payload_sha256;  // of all plaintext released, also where it fails in the end
    std::vector<std::string> identities;
    bool supported = true;  // false: armor, passphrases, other kinds of keys
    std::string file;       // inflated
};

/// From $WALFERRY_VECTORS/age, else ../shared/vectors/age beside the repository, else an installed npm
/// package cctv-age. Empty when there are none of these; `where` says what was found or looked for.
std::vector<AgeVector> load_age_vectors(std::string& where);

}  // namespace walferry::test
