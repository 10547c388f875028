#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "archive/archived_forks.hpp"
#include "common/ledger/ledger.hpp"
#include "common/settings/settings.hpp"

namespace walferry::archive {

/// What this host knows beside the stores.
struct JudgesKnowledge {
    std::uint64_t segment_size = 0;                 // 0: a segment's envelope tells, where it can be read
    std::vector<HistoryRow> histories;              // from its ledger
    std::uint32_t oldest_timeline = 0;              // histories of later ones are asked for
    std::vector<BackupStart> backups;               // their timelines were in use there
    std::optional<std::uint32_t> primary_timeline;  // this host's server's, which goes on
};

/// Asks the stores whether several contents of one name contradict each other: not behind the place where
/// their timeline was left, and in the segment of that place only before it.
class ContentJudge {
  public:
    ContentJudge(const Settings& settings, std::uint64_t system_identifier, JudgesKnowledge knowledge,
                 const std::stop_token& stop);

    const std::vector<AskedStore>& stores() const noexcept { return stores_; }
    /// By number, as in stores().
    const std::vector<std::string>& store_names() const noexcept { return names_; }
    /// Stores that did not answer, and why.
    const std::vector<std::pair<std::string, std::string>>& silent() const noexcept { return silent_; }

    /// Fingerprints that settlements name which count.
    std::set<std::string> settlements(const std::string& name) const;
    /// The content that recovery takes of these because it was settled, by the same rule (settled_content).
    std::optional<std::string> settled(const std::string& name, const std::set<std::string>& contents) const;
    /// What the stores that answer have of the name. Throws what a store throws.
    std::set<std::string> contents(const std::string& name) const;
    /// nullopt: they contradict each other.
    std::optional<Divergence> judge(const WalName& name, const std::set<std::string>& contents);

  private:
    void ask(const StoreSettings& settings, const Settings& all, const std::stop_token& stop);
    std::uint64_t segment_size(const WalName& name);
    std::optional<std::string> beginning(const WalName& name, const std::string& content,
                                         std::uint64_t bytes);

    const std::uint64_t sysid_;
    JudgesKnowledge knowledge_;
    std::optional<DecodeOptions> decoding_;  // where this host holds an identity
    std::vector<std::unique_ptr<ObjectStore>> connections_;
    std::vector<AskedStore> stores_;
    std::vector<std::string> names_;
    std::vector<std::pair<std::string, std::string>> silent_;
    Forks forks_;
    std::map<std::string, std::set<std::string>> settled_;
    std::map<std::pair<std::string, std::string>, std::optional<std::string>> beginnings_;
};

}  // namespace walferry::archive
