#include "server/primary_timeline.hpp"

#include <charconv>
#include <chrono>

#include "common/error.hpp"
#include "server/role_connection.hpp"

namespace walferry::server {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{3};

// A server that was just promoted has made no checkpoint on its new timeline yet, and writes there already.
constexpr const char* query =
    "SELECT system_identifier::text, "
    "CASE WHEN pg_is_in_recovery() THEN NULL "
    "ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END "
    "FROM pg_control_system()";

}  // namespace

std::optional<std::uint32_t> primary_timeline(const std::string& conninfo, std::uint64_t system_identifier,
                                              const std::stop_token& stop) {
    const auto deadline = steady_clock::now() + patience;
    const auto check = [&] {
        if (stop.stop_requested() || steady_clock::now() >= deadline)
            throw Error(ErrorKind::server, "the PostgreSQL server gives no answer");
    };
    try {
        const auto connection =
            connect_to_server(conninfo, ServerConnection::Kind::sql, check, [](const std::string&) {});
        const ServerRows rows = connection->query(query);
        if (rows.size() != 1 || rows.is_null(0, 1)) return std::nullopt;
        // PostgreSQL shows the identifier as a signed number.
        std::int64_t shown = 0;
        const std::string identifier = rows.text(0, 0), number = rows.text(0, 1);
        std::from_chars(identifier.data(), identifier.data() + identifier.size(), shown);
        if (static_cast<std::uint64_t>(shown) != system_identifier) return std::nullopt;
        std::uint32_t timeline = 0;
        std::from_chars(number.data(), number.data() + number.size(), timeline);
        return timeline;
    } catch (const Error&) {
        return std::nullopt;  // it is down, or lets this user not in: then nothing is known of it
    }
}

}  // namespace walferry::server
