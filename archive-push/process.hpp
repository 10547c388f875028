#pragma once

namespace walferry::push {

/// Makes the process independent of what its caller left it (umask, closed standard descriptors, limits that
/// signal) and sure to end with an exit code: PostgreSQL takes a signal for a crash of its archiver.
void prepare_process() noexcept;

}  // namespace walferry::push
