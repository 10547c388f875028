#include "restore/compared_settings.hpp"

#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

namespace walferry::restore {
namespace {

// With PostgreSQL's defaults.
constexpr std::array<std::pair<const char*, long long>, 5> compared{{{"max_connections", 100},
                                                                     {"max_worker_processes", 8},
                                                                     {"max_wal_senders", 10},
                                                                     {"max_prepared_transactions", 0},
                                                                     {"max_locks_per_transaction", 64}}};

/// As PostgreSQL reads a number in a configuration file, where 0100 is octal.
std::optional<long long> server_number(const std::string& text) {
    char* end = nullptr;
    const long long value = std::strtoll(text.c_str(), &end, 0);
    if (text.empty() || *end != '\0') return std::nullopt;
    return value;
}

}  // namespace

std::vector<RaisedSetting> settings_to_raise(const std::vector<server::SettingLine>& configured,
                                             const std::map<std::string, std::string>& at_backup) {
    std::vector<RaisedSetting> raised;
    for (const auto& [name, standard] : compared) {
        const auto known = at_backup.find(name);
        if (known == at_backup.end()) continue;
        const auto wanted = server_number(known->second);
        if (!wanted) continue;
        long long least = standard;
        std::string text = "nothing";
        for (const server::SettingLine& line : configured) {
            if (line.name != name) continue;
            const auto value = server_number(line.value);
            if (!value || (text != "nothing" && *value >= least)) continue;
            least = *value;
            text = line.value;
        }
        if (least < *wanted) raised.push_back({name, known->second, text});
    }
    return raised;
}

}  // namespace walferry::restore
