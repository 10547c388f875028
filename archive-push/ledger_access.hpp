#pragma once
#include <memory>
#include <string>

#include "common/spool/intake.hpp"

namespace walferry::push {

/// The ledger as archiving uses it: it may answer, and it may never be in the way. Whatever goes wrong with
/// it, also a file cut short under SQLite's mapping, ends in trouble() and in nothing else.
class LedgerAccess : public IntakeLedger {
  public:
    explicit LedgerAccess(SpoolPaths spool) : spool_(std::move(spool)) {}

    void open() override;
    LedgerAnswer ask(std::uint64_t system_identifier, const WalName& name,
                     const std::string& fingerprint) override;
    void record(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                std::uint64_t size) override;

    /// Why the ledger could not be used; empty when it could. After the first trouble it is left alone.
    const std::string& trouble() const noexcept { return trouble_; }

  private:
    template <typename Work>
    void attempt(Work work);

    SpoolPaths spool_;
    std::unique_ptr<PushLedger> ledger_;
    std::string trouble_;
};

}  // namespace walferry::push
