#include "archive-push/ledger_access.hpp"

#include <exception>
#include <utility>

#include "archive-push/process.hpp"

namespace walferry::push {

template <typename Work>
void LedgerAccess::attempt(Work work) {
    if (!trouble_.empty()) return;
    struct Context {
        LedgerAccess& self;
        Work& work;
    } context{*this, work};
    const bool survived = survives_bus_error(
        [](void* given) {
            auto& [self, call] = *static_cast<Context*>(given);
            try {
                if (self.ledger_ == nullptr) self.ledger_ = new PushLedger(self.spool_);
                call(*self.ledger_);
            } catch (const std::exception& error) {
                self.trouble_ = error.what();
            }
        },
        &context);
    if (survived) return;
    ledger_ = nullptr;
    trouble_ =
        "ledger " + spool_.ledger() +
        ": a file was cut short while it was in use, or its disk is full; hint: free a few MB if it is full; "
        "else somebody who may write to its folder did that, and `walferry rebuild` makes a new one";
}

LedgerAccess::~LedgerAccess() {
    (void)survives_bus_error([](void* ledger) { delete static_cast<PushLedger*>(ledger); }, ledger_);
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
