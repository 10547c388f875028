#pragma once
#include <span>
#include <string>
#include <string_view>

namespace walferry::console {

/// A finding that `walferry check` may come to: what it means, and what usually fixes it. docs/check.md is
/// this table.
struct CatalogueRow {
    const char* id;
    const char* area;  // heading of the documentation
    const char* meaning;
    const char* remedy;  // what is in backquotes can be pasted; words as in RemedyWords
};

/// In the order of the documentation.
std::span<const CatalogueRow> catalogue();
/// Throws internal for an id that is not in it.
const CatalogueRow& catalogue_row(std::string_view id);
/// What a remedy calls {walferry}, {owner} and so on; these are what they are on most hosts.
struct RemedyWords {
    std::string walferry = "walferry";  // with --config where the configuration is not in the usual place
    std::string owner = "postgres";     // the server's user
    std::string group = "walferry";     // the spool's
    std::string role = "walferry";      // that the uploader logs in as
    std::string drain = "walferry-drain.timer";
};
std::string filled_in(std::string remedy, const RemedyWords& words);

/// The table for people, in Markdown.
std::string catalogue_text();

/// The ids are part of the output for programs: they stay what they are.
namespace finding_id {
inline constexpr const char* configuration = "configuration";
inline constexpr const char* configuration_access = "configuration-access";
inline constexpr const char* uploader_user = "uploader-user";
inline constexpr const char* no_answer = "no-answer";
inline constexpr const char* not_checked = "not-checked";

inline constexpr const char* server = "server";
inline constexpr const char* server_role = "server-role";
inline constexpr const char* server_rights = "server-rights";
inline constexpr const char* other_cluster = "other-cluster";
inline constexpr const char* new_cluster = "new-cluster";
inline constexpr const char* archive_mode = "archive-mode";
inline constexpr const char* archive_library = "archive-library";
inline constexpr const char* archive_command = "archive-command";
inline constexpr const char* archive_spool = "archive-spool";
inline constexpr const char* archive_program = "archive-program";
inline constexpr const char* archiver = "archiver";
inline constexpr const char* archive_timeout = "archive-timeout";

inline constexpr const char* server_group = "server-group";
inline constexpr const char* running_server_group = "running-server-group";
inline constexpr const char* server_spool_access = "server-spool-access";

inline constexpr const char* spool = "spool";
inline constexpr const char* spool_modes = "spool-modes";
inline constexpr const char* world_writable = "world-writable";
inline constexpr const char* spool_filesystem = "spool-filesystem";
inline constexpr const char* spool_space = "spool-space";
inline constexpr const char* spool_strangers = "spool-strangers";
inline constexpr const char* unreadable_files = "unreadable-files";
inline constexpr const char* undeletable_files = "undeletable-files";
inline constexpr const char* legacy_directory = "legacy-directory";

inline constexpr const char* recipients = "recipients";
inline constexpr const char* unencrypted = "unencrypted";
inline constexpr const char* identity_here = "identity-here";
inline constexpr const char* identity_match = "identity-match";
inline constexpr const char* writer_key = "writer-key";
inline constexpr const char* trusted_writers = "trusted-writers";

inline constexpr const char* store_credentials = "store-credentials";
inline constexpr const char* store_unreachable = "store-unreachable";
inline constexpr const char* store_certificate = "store-certificate";
inline constexpr const char* store_plain_http = "store-plain-http";
inline constexpr const char* store_endpoint = "store-endpoint";
inline constexpr const char* store_region = "store-region";
inline constexpr const char* store_bucket = "store-bucket";
inline constexpr const char* store_key = "store-key";
inline constexpr const char* store_rights = "store-rights";
inline constexpr const char* store_delete = "store-delete";
inline constexpr const char* store_full = "store-full";
inline constexpr const char* store_damage = "store-damage";
inline constexpr const char* store_trouble = "store-trouble";
inline constexpr const char* store_clock = "store-clock";
inline constexpr const char* store_restore_keys = "store-restore-keys";
inline constexpr const char* second_uploader = "second-uploader";
inline constexpr const char* lost_objects = "lost-objects";
inline constexpr const char* damaged_objects = "damaged-objects";
inline constexpr const char* retention = "retention";

inline constexpr const char* ledger = "ledger";
inline constexpr const char* stores_changed = "stores-changed";
inline constexpr const char* conflicts = "conflicts";
inline constexpr const char* lost_segments = "lost-segments";
inline constexpr const char* gaps = "gaps";
inline constexpr const char* backlog = "backlog";
inline constexpr const char* drain = "drain";
inline constexpr const char* spool_lock = "spool-lock";
inline constexpr const char* backups = "backups";

inline constexpr const char* switch_rights = "switch-rights";
inline constexpr const char* switch_archived = "switch-archived";
inline constexpr const char* switch_verified = "switch-verified";
}  // namespace finding_id

}  // namespace walferry::console
