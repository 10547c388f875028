#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"

namespace walferry::report {

struct FactsFetched {
    std::uint64_t learned = 0;
    std::uint64_t without = 0;  // their envelopes hold none: of a version that is not known
    std::uint64_t missing = 0;  // no store gave them back
    std::string trouble;        // the last reason
};

/// Fills in what the ledger does not know of segments that came into the spool since then (a beginning of a
/// time of the ledger's; empty: all), from the envelopes in the stores. Needs an identity where objects are
/// encrypted: throws config without one.
FactsFetched fetch_facts(const Settings& settings, Ledger& ledger, std::uint64_t system_identifier,
                         const std::string& since, const std::function<void(const std::string&)>& show,
                         const std::stop_token& stop);

}  // namespace walferry::report
