#include "tests/common/codec/age_vectors.hpp"

#include "common/codec/age/age.hpp"
#include "common/codec/digest.hpp"
#include "tests/catch.hpp"
#include "tests/common/codec/sinks.hpp"

using namespace walferry;
using namespace walferry::test;

namespace {

const char* vector_name(AgeFailure failure) {
    switch (failure) {
        case AgeFailure::header:
            return "header failure";
        case AgeFailure::header_mac:
            return "HMAC failure";
        case AgeFailure::no_match:
            return "no match";
        case AgeFailure::payload:
            return "payload failure";
    }
    return "";
}

struct Verdict {
    std::string outcome;
    std::string released;
};

Verdict decrypt(const AgeVector& vector, std::size_t step) {
    std::vector<AgeIdentity> identities;
    for (const std::string& text : vector.identities) identities.push_back(AgeIdentity::parse(text));
    StringSink plain;
    try {
        AgeDecryptor decryptor(identities, plain);
        feed(decryptor, vector.file, step);
    } catch (const AgeError& error) {
        CHECK_FALSE(plain.finished);
        return {vector_name(error.failure()), plain.text};
    }
    return {"success", plain.text};
}

std::string sha256_hex(const std::string& text) {
    Sha256 sha;
    sha.update(as_bytes(text));
    return hex(sha.finish());
}

}  // namespace

TEST_CASE("every public age vector gets the verdict it must, however its bytes are cut") {
    std::string where;
    const std::vector<AgeVector> vectors = load_age_vectors(where);
    if (vectors.empty()) {
        WARN("skipped: the public age vectors were not found; looked for " << where);
        return;
    }
    int checked = 0;
    for (const AgeVector& vector : vectors) {
        if (!vector.supported) continue;
        ++checked;
        const bool small = vector.file.size() < 100'000;
        for (const std::size_t step : {small ? std::size_t{1} : std::size_t{7919}, std::size_t{1} << 18}) {
            INFO(vector.name << " from " << where << " in steps of " << step);
            const Verdict verdict = decrypt(vector, step);
            CHECK(verdict.outcome == vector.expect);
            if (!vector.payload_sha256.empty()) CHECK(sha256_hex(verdict.released) == vector.payload_sha256);
        }
    }
    CHECK(checked >= 67);
}
