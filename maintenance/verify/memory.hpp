#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/ledger/ledger.hpp"
#include "common/ledger/ledger_verify.hpp"
#include "common/os/fd.hpp"
#include "common/settings/settings.hpp"

namespace walferry::verify {

/// Where verify remembers what it has read: `[verify] state`, a file of its own, or else this host's ledger.
/// Holds a kernel lock for as long as it lives, so that two runs do not read the same twice.
class Memory {
  public:
    /// Throws locked where another run has it; config where there is neither a file nor a ledger.
    explicit Memory(const Settings& settings);
    ~Memory();

    VerifyRecords& records() noexcept { return *records_; }
    /// This host's ledger; nullptr on a keeper without one.
    Ledger* ledger() noexcept { return ledger_.get(); }

  private:
    class StateFile;

    void lock(const std::string& path, int flags);

    Fd lock_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<StateFile> state_;
    VerifyRecords* records_ = nullptr;
};

}  // namespace walferry::verify
