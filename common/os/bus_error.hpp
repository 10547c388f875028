#pragma once

namespace walferry::os {

/// Calls work(context). False when it touched mapped memory that no longer has a file behind it, because
/// another process cut that short or the disk is full (SIGBUS), and the signal's handler called
/// leave_on_bus_error().
///
/// The frames of `work` are left without unwinding, which is defined only where no destructor is skipped: it
/// must be C, or C++ whose objects have trivial destructors. What it was changing is in an unknown state and
/// must not be used again, not even to free it.
bool survives_bus_error(void (*work)(void*), void* context) noexcept;

/// For a handler of SIGBUS that masks nothing (SA_NODEFER): leaves the innermost survives_bus_error() of this
/// thread; returns where there is none. A fault is raised by the thread's own instruction, so nothing is
/// interrupted at a random point.
void leave_on_bus_error() noexcept;

}  // namespace walferry::os
