#pragma once
#include <cstdint>
#include <string>

#include "host/check/look.hpp"

namespace walferry::check {

/// The server that answers has an identifier that is not `known`, whose segments lie in `where`. One that
/// fills this very spool and was created later has replaced that cluster (initdb, pg_upgrade); any other is
/// the wrong server.
void report_other_cluster(const CheckContext& context, std::uint64_t known, const std::string& where,
                          console::Findings& findings);

}  // namespace walferry::check
