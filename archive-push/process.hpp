#pragma once

namespace walferry::push {

/// Makes the process independent of what its caller left it (umask, closed standard descriptors, limits that
/// signal) and sure to end with an exit code: PostgreSQL takes a signal for a crash of its archiver.
void prepare_process() noexcept;

/// Calls work(context). False when memory that another process cut short was touched meanwhile (SIGBUS): the
/// frames below were left without unwinding, so whatever they used must be abandoned, not destroyed.
/// One level only.
bool survives_bus_error(void (*work)(void*), void* context) noexcept;

}  // namespace walferry::push
