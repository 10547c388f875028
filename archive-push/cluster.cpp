#include "archive-push/cluster.hpp"

#include "common/error.hpp"
#include "common/wal/pg_control.hpp"

namespace walferry::push {

std::uint64_t system_identifier_of(const SegmentSource& source, std::optional<std::uint64_t> option) {
    const auto found = find_system_identifier(source.path());
    if (found && option && *found != *option) {
        throw Error(ErrorKind::refused,
                    "--system-identifier says " + std::to_string(*option) + ", but the control file of " +
                        source.path() + " says " + std::to_string(*found),
                    "leave the option out: it is needed only where global/pg_control cannot be found");
    }
    if (found) return *found;
    if (option) return *option;
    throw Error(ErrorKind::usage,
                "cannot tell which cluster " + source.path() +
                    " belongs to: no readable global/pg_control in the working directory, nor at " +
                    control_file_beside(source.path()),
                "give --system-identifier N, the number that pg_controldata prints");
}

}  // namespace walferry::push
