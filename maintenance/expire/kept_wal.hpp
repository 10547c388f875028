#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maintenance/expire/kept_backups.hpp"

namespace walferry::expire {

/// Which WAL stays, and why.
class KeptWal {
  public:
    void keep(const WalRun& run, const std::string& why);
    /// What came into the store between the two, whatever it is called.
    void keep_put_between(WallTime from, WallTime to, const std::string& why);
    /// From this segment on, on every timeline.
    void keep_from(std::uint64_t number, const std::string& why);
    /// Call it once, before the first question.
    void finish();

    /// The number of the reason in reasons(); nullopt: nothing needs it.
    std::optional<std::uint32_t> find(const WalFile& file) const;
    const std::vector<std::string>& reasons() const noexcept { return reasons_; }

  private:
    struct Range {
        std::uint64_t first, last;
        std::uint32_t why;
    };
    struct Times {
        WallTime from, to;
        std::uint32_t why;
    };
    struct From {
        std::uint64_t number;
        std::uint32_t why;
    };

    std::uint32_t reason(const std::string& why);

    std::vector<std::string> reasons_{"a history file"};
    std::map<std::string, std::uint32_t> known_;
    std::map<std::uint32_t, std::vector<Range>> ranges_;  // disjoint and ascending once finished
    std::vector<Times> times_;
    std::vector<From> from_;
};

/// By every rule but the marks'. `kept`: with all backups that stay in `why`. `running`: backups under way.
KeptWal keep_wal(const StoredCluster& cluster, const std::vector<TimelinePath>& paths,
                 const KeptBackups& kept, const std::vector<Begin>& running);

}  // namespace walferry::expire
