#include "host/setup/role_rights.hpp"

#include <array>

#include "server/sql_text.hpp"

namespace walferry::setup {
namespace {

enum class Kind { attributes, membership, function, view };

struct RoleRight {
    Kind kind;
    const char* name;
};

constexpr std::array rights{
    RoleRight{Kind::attributes, "LOGIN REPLICATION"},
    RoleRight{Kind::membership, "pg_monitor"},
    RoleRight{Kind::membership, "pg_read_server_files"},
    RoleRight{Kind::function, "pg_read_binary_file(text, bigint, bigint, boolean)"},
    RoleRight{Kind::function, "pg_ls_dir(text, boolean, boolean)"},
    RoleRight{Kind::function, "pg_show_all_file_settings()"},
    RoleRight{Kind::function, "pg_switch_wal()"},
    RoleRight{Kind::function, "pg_create_restore_point(text)"},
    RoleRight{Kind::view, "pg_file_settings"},
};

std::string condition(const RoleRight& right) {
    const std::string name = server::sql_literal(right.name);
    switch (right.kind) {
        case Kind::attributes:
            return "rolcanlogin AND (rolreplication OR rolsuper)";
        case Kind::membership:
            return "pg_has_role(rolname, " + name + ", 'USAGE')";
        case Kind::function:
            return "has_function_privilege(rolname, " + name + ", 'EXECUTE')";
        case Kind::view:
            break;
    }
    return "has_table_privilege(rolname, " + name + ", 'SELECT')";
}

/// The names of that kind that are missing, with commas between them.
std::string missing(Kind kind, const std::vector<bool>& has) {
    std::string names;
    for (std::size_t i = 0; i < rights.size(); ++i) {
        if (rights[i].kind != kind || (!has.empty() && has.at(i))) continue;
        names += (names.empty() ? "" : ", ") + std::string(rights[i].name);
    }
    return names;
}

}  // namespace

std::string role_rights_query() {
    std::string columns;
    for (const RoleRight& right : rights) columns += (columns.empty() ? "" : ", ") + condition(right);
    return "SELECT " + columns + " FROM pg_roles WHERE rolname = $1";
}

std::vector<std::string> role_statements(const std::string& role, const std::vector<bool>& has) {
    const std::string name = server::sql_name(role);
    std::vector<std::string> statements;
    const auto add = [&](const std::string& begin, Kind kind, const std::string& end) {
        const std::string names = missing(kind, has);
        if (!names.empty()) statements.push_back(begin + names + end);
    };
    add((has.empty() ? "CREATE ROLE " : "ALTER ROLE ") + name + " ", Kind::attributes, "");
    add("GRANT ", Kind::membership, " TO " + name);
    add("GRANT EXECUTE ON FUNCTION ", Kind::function, " TO " + name);
    add("GRANT SELECT ON ", Kind::view, " TO " + name);
    return statements;
}

}  // namespace walferry::setup
