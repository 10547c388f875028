#include "archive-push/exit_code.hpp"

namespace walferry::push {

int exit_code(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::usage:
        case ErrorKind::config:
        case ErrorKind::no_spool:
            return wrong_usage;
        case ErrorKind::refused:
        case ErrorKind::conflict:
        case ErrorKind::integrity:
            return refused;
        default:
            return retry;
    }
}

}  // namespace walferry::push
