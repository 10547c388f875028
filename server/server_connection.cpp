#include "server/server_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>

#include "common/error.hpp"
#include "server/conninfo.hpp"
#include "server/server_hint.hpp"

namespace walferry::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds connect_limit{30};
constexpr std::chrono::seconds answer_limit{120};

std::string trimmed(const char* text) {
    std::string line = text == nullptr ? "" : text;
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    return line;
}

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

/// libpq would take a database called like the user, which need not exist for somebody who only makes
/// backups.
void complete(Conninfo& known, ServerConnection::Kind kind) {
    const bool by_service = known.contains("service") || is_set("PGSERVICE");
    if (!known.contains("dbname") && !is_set("PGDATABASE") && !by_service) known["dbname"] = "postgres";
    known.emplace("fallback_application_name", "walferry backup");
    // Without a database nothing is converted, but what is not UTF-8 would be refused: a tablespace's path.
    const bool replication = kind == ServerConnection::Kind::replication;
    known["client_encoding"] = replication ? "SQL_ASCII" : "UTF8";
    if (replication) known["replication"] = "true";
}

/// How libpq reports a refusal when it is asked to be verbose. The words are in the server's language, the
/// code is not.
struct Refusal {
    std::string message;
    std::string code;  // SQLSTATE; empty where it was not the server that said so
};

bool is_code(std::string_view text) {
    return text.size() == 5 &&
           text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
}

/// Several lines where several hosts were tried; the last one's code counts.
Refusal parse_refusal(const char* text) {
    static constexpr std::string_view after_severity = ":  ";
    Refusal refusal;
    std::istringstream lines(trimmed(text));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("LOCATION:")) continue;  // in the server's source
        const std::size_t severity = line.find(after_severity);
        const std::size_t code = severity + after_severity.size();
        if (severity != std::string::npos && is_code(line.substr(code, 5)) &&
            line.compare(code + 5, 2, ": ") == 0) {
            refusal.code = line.substr(code, 5);
            line.erase(code, 7);
        }
        refusal.message += (refusal.message.empty() ? "" : "\n") + line;
    }
    return refusal;
}

std::string connect_hint(const Refusal& refusal, ServerConnection::Kind kind) {
    const auto says = [&](const char* words) { return refusal.message.find(words) != std::string::npos; };
    const bool replication = kind == ServerConnection::Kind::replication;
    if (says("pg_hba.conf")) {
        return replication
                   ? "pg_hba.conf needs a line for it, such as `local replication walferry peer`, and a "
                     "reload; \"all\" does not stand for replication"
                   : "pg_hba.conf needs a line for it, such as `local postgres walferry peer`, and a "
                     "reload";
    }
    if (says("max_wal_senders") || says("wal_level"))
        return "raise max_wal_senders, or set wal_level to replica, in postgresql.conf and restart the "
               "server";
    if (replication && refusal.code == "42501")
        return "as a superuser: ALTER ROLE walferry REPLICATION, with the role's own name";
    if (refusal.code.starts_with("28"))
        return "make the role (docs/backup.md), or name another with `user` in server.conninfo";
    return "see server.conninfo in the configuration, and docs/backup.md for what the server must allow";
}

/// Damage that the server itself found must not look like a passing failure.
ErrorKind kind_of(const std::string& state) {
    return state == "XX001" ? ErrorKind::integrity : ErrorKind::server;
}

std::string field(const PGresult* result, int code) {
    const char* text = result == nullptr ? nullptr : PQresultErrorField(result, code);
    return text == nullptr ? "" : trimmed(text);
}

extern "C" void receive_notice(void* connection, const PGresult* result) {
    forward_notice(*static_cast<ServerConnection*>(connection), result);
}

}  // namespace

// C code stands between here and who could catch an exception.
void forward_notice(ServerConnection& connection, const PGresult* result) {
    try {
        connection.notice({field(result, PG_DIAG_SEVERITY_NONLOCALIZED),
                           field(result, PG_DIAG_MESSAGE_PRIMARY), field(result, PG_DIAG_SOURCE_FUNCTION)});
    } catch (...) {
    }
}

void ServerConnection::notice(const ServerNotice& notice) {
    if (listen_ && listen_(notice)) return;
    if (notice.severity == "WARNING") say_("the server warns: " + notice.message);
}

ServerRows::~ServerRows() {
    PQclear(result_);
}
int ServerRows::size() const noexcept {
    return PQntuples(result_);
}
int ServerRows::columns() const noexcept {
    return PQnfields(result_);
}
bool ServerRows::is_null(int row, int column) const noexcept {
    return PQgetisnull(result_, row, column) != 0;
}
std::string ServerRows::text(int row, int column) const {
    return {PQgetvalue(result_, row, column), static_cast<std::size_t>(PQgetlength(result_, row, column))};
}
void CopyData::Free::operator()(char* data) const noexcept {
    PQfreemem(data);
}

ServerConnection::ServerConnection(const std::string& conninfo, Kind kind, Check check, Say say)
    : check_(std::move(check)), say_(std::move(say)) {
    try {
        connect(conninfo, kind);
    } catch (...) {
        PQfinish(connection_);
        throw;
    }
    PQsetNoticeReceiver(connection_, receive_notice, this);
}

ServerConnection::~ServerConnection() {
    PQfinish(connection_);
}

int ServerConnection::version() const noexcept {
    return PQserverVersion(connection_);
}

int ServerConnection::socket() const noexcept {
    return PQsocket(connection_);
}

void ServerConnection::connect(const std::string& conninfo, Kind kind) {
    auto known = parse_conninfo(conninfo);
    complete(known, kind);
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [name, value] : known) {
        names.push_back(name.c_str());
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    connection_ = PQconnectStartParams(names.data(), values.data(), 0);
    if (connection_ == nullptr) throw std::bad_alloc();
    PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
    const auto deadline = steady_clock::now() + connect_limit;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (PQstatus(connection_) != CONNECTION_BAD && state != PGRES_POLLING_OK) {
        wait_for(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, "connect");
        state = PQconnectPoll(connection_);
        if (state == PGRES_POLLING_FAILED) break;
    }
    PQsetErrorVerbosity(connection_, PQERRORS_DEFAULT);
    if (PQstatus(connection_) == CONNECTION_OK) return;
    const Refusal refusal = parse_refusal(PQerrorMessage(connection_));
    Error error(ErrorKind::server,
                std::string("cannot connect to the PostgreSQL server") +
                    (kind == Kind::replication ? " for replication: " : ": ") + refusal.message,
                connect_hint(refusal, kind));
    error.code = refusal.code;
    throw error;
}

void ServerConnection::wait_for(short events, steady_clock::time_point deadline, const char* doing) {
    for (;;) {
        pollfd waiting{PQsocket(connection_), events, 0};
        const int ready = ::poll(&waiting, 1, 200);
        check_();
        if (ready > 0) return;
        if (ready < 0 && errno != EINTR) throw_errno(errno, "wait for the PostgreSQL server");
        if (steady_clock::now() >= deadline) {
            throw Error(ErrorKind::server,
                        std::string("the PostgreSQL server has kept silent for too long (") + doing + ")",
                        "look into its log; is its storage at work?");
        }
    }
}

void ServerConnection::send(const std::string& command) {
    if (PQsendQuery(connection_, command.c_str()) != 1) fail(nullptr);
}

PGresult* ServerConnection::next_result(std::chrono::seconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (PQisBusy(connection_) != 0) {
        wait_for(POLLIN, deadline, "an answer");
        if (PQconsumeInput(connection_) != 1) fail(nullptr);
    }
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) fail(nullptr);
    return result;
}

ServerRows ServerConnection::rows(std::chrono::seconds limit) {
    PGresult* result = next_result(limit);
    ServerRows owner(result);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail(result);
    return owner;
}

ServerRows ServerConnection::query(const std::string& sql) {
    send(sql);
    ServerRows answer = rows(answer_limit);
    finish(answer_limit);
    return answer;
}

ServerRows ServerConnection::query(const std::string& sql, const std::vector<std::string>& parameters,
                                   bool binary) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, binary ? 1 : 0) != 1) {
        fail(nullptr);
    }
    ServerRows answer = rows(answer_limit);
    finish(answer_limit);
    return answer;
}

std::optional<ServerRows> ServerConnection::try_query(const std::string& sql,
                                                      const std::vector<std::string>& parameters, bool binary,
                                                      std::string& why) {
    try {
        // A replication connection knows nothing of parameters.
        return parameters.empty() && !binary ? query(sql) : query(sql, parameters, binary);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::server || PQstatus(connection_) != CONNECTION_OK) throw;
        finish(answer_limit);
        why = error.message();
        return std::nullopt;
    }
}

void ServerConnection::begin_copy(std::chrono::seconds limit) {
    PGresult* result = next_result(limit);
    const ServerRows owner(result);
    if (PQresultStatus(result) != PGRES_COPY_OUT) fail(result);
}

std::optional<CopyData> ServerConnection::copy_data(std::chrono::seconds limit) {
    const auto deadline = steady_clock::now() + limit;
    for (;;) {
        char* data = nullptr;
        const int size = PQgetCopyData(connection_, &data, 1);
        if (size > 0) return CopyData(data, static_cast<std::size_t>(size));
        if (size == -1) return std::nullopt;
        if (size == -2) fail(nullptr);
        wait_for(POLLIN, deadline, "the data of the backup");
        if (PQconsumeInput(connection_) != 1) fail(nullptr);
    }
}

void ServerConnection::finish(std::chrono::seconds limit) {
    const auto deadline = steady_clock::now() + limit;
    for (;;) {
        while (PQisBusy(connection_) != 0) {
            wait_for(POLLIN, deadline, "the end of the command");
            if (PQconsumeInput(connection_) != 1) fail(nullptr);
        }
        PGresult* result = PQgetResult(connection_);
        if (result == nullptr) return;
        const ServerRows owner(result);
        if (PQresultStatus(result) == PGRES_FATAL_ERROR) fail(result);
    }
}

std::string ServerConnection::peer() const {
    return std::string(PQhost(connection_)) + ":" + PQport(connection_);
}

void ServerConnection::cancel() noexcept {
    PGcancel* request = PQgetCancel(connection_);
    if (request == nullptr) return;
    std::array<char, 256> problem{};
    PQcancel(request, problem.data(), static_cast<int>(problem.size()));
    PQfreeCancel(request);
}

void ServerConnection::fail(const PGresult* result) {
    std::string why = field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (why.empty()) why = trimmed(PQerrorMessage(connection_));
    const std::string code = field(result, PG_DIAG_SQLSTATE);
    const bool gone = PQstatus(connection_) != CONNECTION_OK;
    throw Error(
        kind_of(code),
        std::string(gone ? "the PostgreSQL server went away: " : "the PostgreSQL server refused: ") +
            (why.empty() ? "it answered something unexpected" : why),
        server_hint({code, field(result, PG_DIAG_SOURCE_FILE), field(result, PG_DIAG_SOURCE_FUNCTION)}));
}

std::string role_named_by(const std::string& conninfo) {
    const auto known = parse_conninfo(conninfo);
    if (const auto user = known.find("user"); user != known.end()) return user->second;
    return is_set("PGUSER") ? std::getenv("PGUSER") : "";
}

}  // namespace walferry::server
