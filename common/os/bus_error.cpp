#include "common/os/bus_error.hpp"

#include <csetjmp>

namespace walferry::os {
namespace {

thread_local sigjmp_buf* innermost = nullptr;

}  // namespace

bool survives_bus_error(void (*work)(void*), void* context) noexcept {
    sigjmp_buf here;
    sigjmp_buf* const outer = innermost;
    // The handler changes no signal mask, so there is none to restore.
    if (sigsetjmp(here, 0) != 0) {
        innermost = outer;
        return false;
    }
    innermost = &here;
    work(context);
    innermost = outer;
    return true;
}

void leave_on_bus_error() noexcept {
    if (innermost != nullptr) siglongjmp(*innermost, 1);
}

}  // namespace walferry::os
