#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/ledger.hpp"
#include "common/sink.hpp"
#include "common/spool.hpp"
#include "common/wal_name.hpp"

namespace walferry {

/// What still waits in the spool of this host needs neither network nor key.
class SpoolCopy {
  public:
    /// A host that restores may have no spool: then nothing is ever there.
    explicit SpoolCopy(const std::string& spool) : paths_(spool) {}

    bool has(std::uint64_t system_identifier, const WalName& name) const;
    /// A WAL segment of the same timeline that comes after it; "" for none.
    std::string later(std::uint64_t system_identifier, const WalName& name) const;

    /// Whether something could be there that this user may not see.
    bool is_closed() const noexcept { return closed_; }
    const std::string& path() const noexcept { return paths_.root; }

    struct Result {
        bool fetched = false;
        std::string disputed;  // the fingerprint of what is there, where its name stands for several contents
    };
    /// Copies it into the sink that `open` makes, and finishes that, when it is there, is what its name says,
    /// and the ledger, where one can be asked, knows of no other content (or, where `content` is given, that
    /// is what it has). `say` gets the reason for what is there and cannot be used. Throws what is wrong with
    /// the sink.
    Result fetch(std::uint64_t system_identifier, const WalName& name, const std::string& content,
                 const std::function<Sink&()>& open, const std::function<void(const std::string&)>& say);

  private:
    bool disputed(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                  const std::function<void(const std::string&)>& say);

    SpoolPaths paths_;
    std::unique_ptr<Ledger> ledger_;
    bool ledger_tried_ = false;
    bool closed_ = false;
};

}  // namespace walferry
