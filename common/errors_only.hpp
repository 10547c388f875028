#pragma once
#include <exception>
#include <new>
#include <string>

#include "common/error.hpp"

namespace walferry {

/// Runs `step`; what the language and its library throw (no memory, no more threads) comes out as an Error,
/// so that it ends one segment or one store's turn like any other failure.
template <typename Step>
auto errors_only(Step step) {
    try {
        return step();
    } catch (const Error&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw Error(ErrorKind::internal, "out of memory", "raise the limit (ulimit -v), or use fewer `jobs`");
    } catch (const std::exception& error) {
        throw Error(ErrorKind::internal, std::string("internal error: ") + error.what());
    }
}

}  // namespace walferry
