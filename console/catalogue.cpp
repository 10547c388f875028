#include "console/catalogue.hpp"

#include <algorithm>
#include <array>

#include "common/error.hpp"

namespace walferry::console {
namespace {

constexpr const char* who = "The configuration, and who runs what";
constexpr const char* postgresql = "The PostgreSQL server";
constexpr const char* access = "The server's user and the spool";
constexpr const char* in_the_spool = "The spool";
constexpr const char* keys = "Keys";
constexpr const char* stores = "Stores";
constexpr const char* on_its_way = "What is on its way";
constexpr const char* switching = "check --switch";

constexpr std::array table{
    CatalogueRow{
        finding_id::configuration, who,
        "the configuration file cannot be used as it stands, so no other part of walferry runs either",
        "edit the file as the message says; `walferry config --help` explains every key"},
    CatalogueRow{finding_id::configuration_access, who,
                 "the uploader's user cannot read the configuration, or a user other than root can change it "
                 "and so choose where the WAL goes",
                 "`chown root:{group} FILE; chmod 640 FILE`, and a folder that only root can write to"},
    CatalogueRow{finding_id::uploader_user, who,
                 "which user the uploader runs as is not known, so what that user can do was not tried",
                 "`{walferry} check --uploader USER`, or USER:GROUP by numbers for a container's"},
    CatalogueRow{finding_id::no_answer, who,
                 "this part hung and was left behind: a network filesystem or a server that does not answer "
                 "is the usual reason",
                 "see what it was about to look at; the other findings are complete without it"},
    CatalogueRow{finding_id::not_checked, who,
                 "this part could not be looked at, so nothing is known about it",
                 "correct what the message names and run the check again"},
    CatalogueRow{finding_id::server, postgresql,
                 "the server cannot be asked, so whether it archives is not known",
                 "start the server, or correct `server.conninfo` in the configuration"},
    CatalogueRow{finding_id::server_role, postgresql,
                 "the uploader's own user cannot connect, so `walferry backup` cannot either; archiving "
                 "needs no connection",
                 "make the role as docs/backup.md says, if this host makes backups"},
    CatalogueRow{finding_id::server_rights, postgresql,
                 "the role may not see everything that this check looks at",
                 "as a superuser: `GRANT pg_monitor TO {role};`"},
    CatalogueRow{finding_id::other_cluster, postgresql,
                 "the server that `server.conninfo` reaches is not the one whose segments the spool and the "
                 "ledger know",
                 "set host or port in `server.conninfo` to the server that archives into this spool; each "
                 "cluster has a configuration of its own"},
    CatalogueRow{finding_id::new_cluster, postgresql,
                 "initdb or pg_upgrade gave the server a new system identifier, and nothing of the new "
                 "cluster is archived yet; backups and WAL of the earlier one stay restorable, but no longer "
                 "protect this server",
                 "`{walferry} check --switch` sends its first segment, then `{walferry} backup`; "
                 "docs/pg-upgrade.md has every step"},
    CatalogueRow{
        finding_id::archive_mode, postgresql,
        "the server archives nothing: whatever is written since the last backup is lost with this host",
        "`ALTER SYSTEM SET archive_mode = 'on';` and restart the server"},
    CatalogueRow{finding_id::archive_library, postgresql,
                 "a library archives in place of archive_command; from PostgreSQL 16 on, the server archives "
                 "nothing at all where both are set",
                 "`ALTER SYSTEM SET archive_library = ''; SELECT pg_reload_conf();`"},
    CatalogueRow{
        finding_id::archive_command, postgresql,
        "segments do not come into the spool, or a failure to bring one there does not reach the server",
        "`ALTER SYSTEM SET archive_command = 'walferry-archive-push %p'; SELECT pg_reload_conf();`"},
    CatalogueRow{
        finding_id::archive_spool, postgresql,
        "the server fills another directory than the one that the uploader empties",
        "make `--spool` in archive_command and `spool` in the configuration name the same directory"},
    CatalogueRow{
        finding_id::archive_program, postgresql,
        "the server cannot run the program that its archive_command names, so nothing is archived",
        "install walferry-archive-push where the server's user can run it, or name it by its whole path"},
    CatalogueRow{
        finding_id::archiver, postgresql,
        "segments pile up in pg_wal until its disk is full, and none of them is safe",
        "read what the program said in the server's log, and correct that; the server tries again by itself"},
    CatalogueRow{finding_id::archive_timeout, postgresql,
                 "on a quiet server the last changes stay in an unfinished segment, beyond the recovery "
                 "point that the configuration asks for",
                 "`ALTER SYSTEM SET archive_timeout = '60s'; SELECT pg_reload_conf();` or raise "
                 "`rpo` in the configuration"},
    CatalogueRow{
        finding_id::server_group, access,
        "the server's user and the uploader do not share the spool's group, so each is in the other's way",
        "`usermod --append --groups {group} {owner}` and restart the server when you can"},
    CatalogueRow{finding_id::running_server_group, access,
                 "the server was started before its user was in the spool's group; archiving works "
                 "meanwhile, only its records wait for the uploader",
                 "restart the server at the next occasion; nothing is lost until then"},
    CatalogueRow{finding_id::server_spool_access, access,
                 "the server's user cannot put a segment into the spool, so archiving fails",
                 "as root: `{walferry} init --owner {owner} --group {group}`; and let that user enter the "
                 "folders above the spool"},
    CatalogueRow{finding_id::spool, in_the_spool, "there is no spool where the configuration says",
                 "as root: `{walferry} init --owner {owner} --group {group}`"},
    CatalogueRow{
        finding_id::spool_modes, in_the_spool,
        "owners or modes are not those of a spool: one of the two users will hinder the "
        "other, or a user can do more than is meant",
        "as root: `{walferry} init --owner {owner} --group {group}`, which corrects owners and modes "
        "and touches no data"},
    CatalogueRow{finding_id::world_writable, in_the_spool,
                 "every user of this host can remove or replace segments that are not yet stored",
                 "`chmod o-w` on what is named, or for all of the spool, as root: `{walferry} init --owner "
                 "{owner} --group {group}`"},
    CatalogueRow{finding_id::spool_filesystem, in_the_spool,
                 "locks on a network filesystem cannot be relied on, and the spool is no local copy there",
                 "move the spool to a local disk of the database host"},
    CatalogueRow{finding_id::spool_space, in_the_spool,
                 "when the spool is full the server keeps its segments and pg_wal grows",
                 "free space on that filesystem, and see that what waits gets to the stores"},
    CatalogueRow{finding_id::spool_strangers, in_the_spool,
                 "the spool holds a file that is no segment; it is left alone and never uploaded",
                 "find out who put it there, and move it away"},
    CatalogueRow{finding_id::unreadable_files, in_the_spool,
                 "the uploader cannot read these files, so they are brought nowhere: the spool fills up",
                 "as root: `{walferry} init --owner {owner} --group {group}`, which gives them the spool's "
                 "group and mode; find out what else than walferry-archive-push writes there"},
    CatalogueRow{finding_id::undeletable_files, in_the_spool,
                 "the uploader cannot remove files from this directory, so the spool fills up although "
                 "everything is stored",
                 "as root: `{walferry} init --owner {owner} --group {group}`, which gives the directory its "
                 "owner, group and mode; an attribute goes with `chattr -ai DIRECTORY`"},
    CatalogueRow{finding_id::legacy_directory, in_the_spool,
                 "archive_command copies to a directory that is none of walferry's, and what lies there is "
                 "in no store",
                 "set archive_command to walferry-archive-push, then take the directory in, as root: "
                 "`{walferry} import DIRECTORY`"},
    CatalogueRow{finding_id::recipients, keys, "objects cannot be encrypted, so nothing is stored",
                 "correct `recipients` in the configuration; `walferry keygen` prints what belongs there"},
    CatalogueRow{finding_id::unencrypted, keys, "everyone who can read a store can read the database",
                 "remove `none = true` and set `recipients`; what is stored already stays as it is"},
    CatalogueRow{finding_id::identity_here, keys,
                 "a thief of this host can read the whole archive; to archive, only the public "
                 "recipients are needed",
                 "keep the identity on hosts that restore and in a safe; here, once it is safe elsewhere: "
                 "`shred -u FILE`"},
    CatalogueRow{finding_id::identity_match, keys,
                 "what is stored from now on cannot be decrypted with this identity",
                 "add the identity's public key to `recipients`, or put the right identity in its place"},
    CatalogueRow{finding_id::writer_key, keys, "objects cannot be signed, so nothing is stored",
                 "as root: `{walferry} init` makes the key where there is none; it belongs to the uploader's "
                 "user, mode 600"},
    CatalogueRow{finding_id::trusted_writers, keys, "restoring refuses what this host stores",
                 "add this host's public key to `trusted_writers`, here and on the hosts that restore"},
    CatalogueRow{
        finding_id::store_credentials, stores, "the keys of the store cannot be read by the uploader's user",
        "`chown root:{group} FILE; chmod 640 FILE`; the file has the form of AWS's shared credentials"},
    CatalogueRow{finding_id::store_unreachable, stores,
                 "the store gives no answer; segments wait in the spool until it does",
                 "see the store's status page, this host's network and name service, and `endpoint`"},
    CatalogueRow{finding_id::store_certificate, stores,
                 "the certificate does not prove that this is the store, or `ca_file` cannot be used, so "
                 "nothing is sent",
                 "set `ca_file` to a readable PEM file where the store has an authority of its own; else "
                 "another machine may stand between"},
    CatalogueRow{
        finding_id::store_plain_http, stores,
        "object names, sizes and whatever a thief of credentials needs travel readable through the network",
        "use https in `endpoint`"},
    CatalogueRow{finding_id::store_endpoint, stores,
                 "what answers is no S3 server, or refuses what every S3 server takes",
                 "correct `endpoint`, `bucket` or `addressing`"},
    CatalogueRow{finding_id::store_region, stores,
                 "the store expects another region in the signature, or the bucket lies elsewhere",
                 "correct `region` or `endpoint`"},
    CatalogueRow{finding_id::store_bucket, stores,
                 "there is no such bucket, or the directory of a directory store is missing",
                 "create it, or correct `bucket` or `path`"},
    CatalogueRow{finding_id::store_key, stores, "the store does not accept the keys",
                 "put the right keys into the credentials file; they are read again by themselves"},
    CatalogueRow{finding_id::store_rights, stores,
                 "the keys are known, but may not do what archiving needs: list, put and get",
                 "give them these rights in the store's policy, for PREFIX/CLUSTER/*"},
    CatalogueRow{
        finding_id::store_delete, stores,
        "archiving needs no right to delete; removing what an interrupted backup left, and what has "
        "expired, does",
        "allow s3:DeleteObject, and s3:DeleteObjectVersion where the bucket keeps versions; or leave it to "
        "the bucket's lifecycle rules"},
    CatalogueRow{finding_id::store_full, stores, "the store takes nothing more; segments wait in the spool",
                 "free space there or raise its quota"},
    CatalogueRow{finding_id::store_damage, stores, "what was put did not come back as it was",
                 "look for a cache or proxy on the way; look at the store's storage"},
    CatalogueRow{finding_id::store_trouble, stores,
                 "the store answered with a fault of its own; segments wait in the spool and are tried again",
                 "see the store's status page if it stays so"},
    CatalogueRow{finding_id::store_clock, stores,
                 "signatures are refused when the clocks are 15 minutes apart, and recovery by time means "
                 "the wrong time",
                 "set this host's clock: is time synchronisation running (`timedatectl`)?"},
    CatalogueRow{finding_id::store_restore_keys, stores,
                 "a restore would use other keys than archiving, and these do not work",
                 "correct the keys in `restore_credentials_file`; they need to list and get"},
    CatalogueRow{finding_id::second_uploader, stores,
                 "another host writes WAL of this cluster into the store: a second uploader, or a copy of "
                 "the server that archives as well",
                 "find it: another host with this configuration, a server that was started from a copy, or a "
                 "standby that was promoted; only one may write under this `cluster`"},
    CatalogueRow{
        finding_id::lost_objects, stores,
        "segments were verified in this store and are there no longer; a recovery needs another copy of "
        "them",
        "`{walferry} verify --heal` brings them from another store that has them; else import the segments "
        "from where they are still found (`{walferry} import DIRECTORY`); find out what removes objects "
        "there: a lifecycle rule, a cleaner, a thief of keys"},
    CatalogueRow{finding_id::damaged_objects, stores,
                 "`{walferry} verify` has read objects there whose bytes do not hash to their names, or that "
                 "cannot be read or opened; a recovery needs another copy of them",
                 "`{walferry} verify --heal` replaces what another store has sound; docs/verify.md says what "
                 "is left to do where none has. Look for the cause: a disk, a server, a proxy"},
    CatalogueRow{
        finding_id::retention, stores,
        "nothing ever leaves the store: it grows for as long as the server writes",
        "set [retention] recovery_window in the configuration, look at `{walferry} expire --dry-run`, "
        "and start its timer; docs/keeping.md"},
    CatalogueRow{
        finding_id::ledger, on_its_way, "nothing can be told of what is verified; archiving goes on",
        "a drain makes a missing ledger; a damaged one is renamed and recreated by `{walferry} rebuild`"},
    CatalogueRow{finding_id::stores_changed, on_its_way,
                 "a store vanished from the configuration or points elsewhere; drains refuse to run, lest a "
                 "typing error lowers what a deletion needs",
                 "correct the configuration, or, if it is meant: `{walferry} stores retire NAME`"},
    CatalogueRow{
        finding_id::conflicts, on_its_way,
        "one segment name has two different contents; both are kept, and recovery stops there until a person "
        "says which is right",
        "`{walferry} conflicts` shows them, `{walferry} settle NAME` settles one"},
    CatalogueRow{finding_id::lost_segments, on_its_way,
                 "a segment left the spool without being verified everywhere, and not by walferry",
                 "if the server still has it in pg_wal, push it again; find out who removes files from the "
                 "spool; then make a base backup"},
    CatalogueRow{finding_id::gaps, on_its_way, "recovery cannot go past these segments",
                 "look for them in pg_wal and in earlier archive directories (`{walferry} import "
                 "DIRECTORY`), else make a base backup"},
    CatalogueRow{finding_id::backlog, on_its_way,
                 "more would be lost with this host than the recovery point that the configuration asks for",
                 "see what the last drain said, and whether one runs every minute"},
    CatalogueRow{finding_id::drain, on_its_way,
                 "what waits does not reach every store: no drain runs, or the last one could not finish",
                 "is the timer running? `systemctl status {drain}`; by hand: `{walferry} drain`"},
    CatalogueRow{finding_id::spool_lock, on_its_way,
                 "something else than walferry holds the lock of the spool, so no drain can run",
                 "end that process"},
    CatalogueRow{finding_id::backups, on_its_way,
                 "without a base backup the WAL cannot be restored; from an old one a restore takes long",
                 "`{walferry} backup`, and a timer for it"},
    CatalogueRow{
        finding_id::switch_rights, switching, "a segment could not be ended",
        "as a superuser: `GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {role};` or run this as root"},
    CatalogueRow{finding_id::switch_archived, switching,
                 "the server did not bring the segment into the spool",
                 "see archive_command and the server's log"},
    CatalogueRow{finding_id::switch_verified, switching,
                 "the segment is safe on this host, and not in every store",
                 "see what the drain says: walferry drain"},
};

}  // namespace

std::span<const CatalogueRow> catalogue() {
    return table;
}

const CatalogueRow& catalogue_row(std::string_view id) {
    const auto* row =
        std::find_if(table.begin(), table.end(), [&](const CatalogueRow& each) { return each.id == id; });
    if (row == table.end()) throw Error(ErrorKind::internal, "no finding is called " + std::string(id));
    return *row;
}

std::string filled_in(std::string remedy, const RemedyWords& words) {
    const std::pair<std::string_view, const std::string&> known[] = {{"{walferry}", words.walferry},
                                                                     {"{owner}", words.owner},
                                                                     {"{group}", words.group},
                                                                     {"{role}", words.role},
                                                                     {"{drain}", words.drain}};
    for (const auto& [name, word] : known) {
        for (std::size_t at = 0; (at = remedy.find(name, at)) != std::string::npos; at += word.size())
            remedy.replace(at, name.size(), word);
    }
    return remedy;
}

std::string catalogue_text() {
    std::string text;
    std::string_view area;
    for (const CatalogueRow& row : table) {
        if (area != row.area) {
            text += std::string(text.empty() ? "" : "\n") + "### " + row.area +
                    "\n| finding | it means | to fix it |\n| --- | --- | --- |\n";
        }
        area = row.area;
        text +=
            std::string("| `") + row.id + "` | " + row.meaning + " | " + filled_in(row.remedy, {}) + " |\n";
    }
    return text;
}

}  // namespace walferry::console
