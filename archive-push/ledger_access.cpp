#include "archive-push/ledger_access.hpp"

#include <exception>
#include <utility>

namespace walferry::push {

template <typename Work>
void LedgerAccess::attempt(Work work) {
    if (!trouble_.empty()) return;
    try {
        if (!ledger_) ledger_ = std::make_unique<PushLedger>(spool_);
        work(*ledger_);
    } catch (const std::exception& error) {
        trouble_ = error.what();
    }
}

void LedgerAccess::open() {
    attempt([](PushLedger&) {});
}

LedgerAnswer LedgerAccess::ask(std::uint64_t system_identifier, const WalName& name,
                               const std::string& fingerprint) {
    LedgerAnswer answer = LedgerAnswer::unknown;
    attempt([&](PushLedger& ledger) { answer = ledger.ask(system_identifier, name, fingerprint); });
    return answer;
}

void LedgerAccess::record(std::uint64_t system_identifier, const WalName& name,
                          const std::string& fingerprint, std::uint64_t size) {
    attempt(
        [&](PushLedger& ledger) { ledger.record(system_identifier, name, fingerprint, size, wall_now()); });
}

}  // namespace walferry::push
