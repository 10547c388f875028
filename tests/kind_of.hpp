#pragma once
#include <functional>

#include "common/error.hpp"
#include "tests/catch.hpp"

namespace walferry::test {

/// The kind of the Error that `action` ends with; a failure of the test where it ends well.
inline ErrorKind kind_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("it went through");
    return ErrorKind::internal;
}

}  // namespace walferry::test
