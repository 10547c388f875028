#include "common/error.hpp"

#include "common/exit_code.hpp"
#include "tests/catch.hpp"

using namespace walferry;

TEST_CASE("Every error kind has a row of its own in the table of errors") {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::rejected); ++kind) {
        const ErrorTraits& row = traits(static_cast<ErrorKind>(kind));
        CHECK(row.kind == static_cast<ErrorKind>(kind));
        CHECK_FALSE(row.name.empty());
        CHECK(row.exit_code != exit_code::done);
    }
}

TEST_CASE("Only what a store may answer differently a moment later is tried again at once") {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::rejected); ++kind) {
        const ErrorTraits& row = traits(static_cast<ErrorKind>(kind));
        INFO(row.name);
        if (row.retryable()) CHECK(row.scope == Scope::store);
        // A typing error on the command line or in a file passes only when it is corrected.
        if (row.exit_code == exit_code::usage) CHECK(row.cure == Cure::person);
    }
}
