#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/object_read.hpp"
#include "common/error.hpp"
#include "common/ledger/ledger.hpp"
#include "common/sink.hpp"
#include "common/spool/spooled_name.hpp"
#include "common/spool_paths.hpp"
#include "common/wal/wal_name.hpp"

namespace walferry::fetch {

/// What still waits in the spool of this host needs neither network nor key.
class SpoolCopy {
  public:
    /// A host that restores may have no spool: then nothing is ever there.
    explicit SpoolCopy(const std::string& spool) : paths_(spool) {}

    bool has(std::uint64_t system_identifier, const WalName& name) const;
    const std::string& path() const noexcept { return paths_.root; }

    struct Result {
        bool fetched = false;
        /// The fingerprints of what is there, where its name stands for several contents.
        std::vector<std::string> disputed = {};
        /// Something of that name is there and cannot be used, or it cannot be seen what is there. Until that
        /// is cleared up the file may not be called absent.
        std::optional<Error> trouble;
    };
    /// Copies it into the sink that `open` makes, and finishes that, when it is there, is what its name says,
    /// and the ledger, where one can be asked, knows of no other content (or, where `content` is given, that
    /// is what it has). `say` gets what the ledger objects to. Throws what is wrong with the sink.
    Result fetch(std::uint64_t system_identifier, const WalName& name, const std::string& content,
                 const std::function<Sink&()>& open, const std::function<void(const std::string&)>& say);

    /// Copies a short file. False when it is gone. Throws what is wrong with it.
    bool read(std::uint64_t system_identifier, const WalName& name, Sink& into) const;
    /// Everything of this cluster that waits. Throws where not all of it can be seen.
    std::vector<WalName> waiting(std::uint64_t system_identifier) const;

  private:
    std::optional<Error> cannot_look(std::uint64_t system_identifier) const;
    using Say = std::function<void(const std::string&)>;
    /// What became of one file of the name.
    struct Copied {
        bool there = false;
        std::string fingerprint;
        std::optional<Error> trouble = std::nullopt;
    };
    Copied copy(std::uint64_t system_identifier, const WalName& name, const std::string& entry,
                archive::HeaderCheck& into);
    bool open_ledger();
    const std::vector<SpooledName>& seconds_in_folder(std::uint64_t system_identifier);
    std::vector<std::string> second_contents(std::uint64_t system_identifier, const WalName& name);
    bool disputed(std::uint64_t system_identifier, const WalName& name, const std::string& fingerprint,
                  const Say& say);

    SpoolPaths paths_;
    std::map<std::uint64_t, std::vector<SpooledName>> seconds_;  // by system identifier
    std::unique_ptr<Ledger> ledger_;
    bool ledger_tried_ = false;
    std::string ledger_trouble_;
};

}  // namespace walferry::fetch
