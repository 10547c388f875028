#pragma once
#include "archive-push/options.hpp"

namespace walferry::push {

/// Archives one file: returns when it is on stable storage in the spool under its name, or was verified in
/// every store before with the same content; throws Error otherwise. Warnings go to stderr.
void push(const Options& options);

}  // namespace walferry::push
