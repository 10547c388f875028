#!/bin/sh
# The postgres image runs this once, when it makes the database: the role that the uploader connects as. It may be run again.
set -eu
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
SET client_min_messages = warning;
\set password `cat /run/secrets/walferry_password`
SELECT 'CREATE ROLE walferry' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'walferry') \gexec
ALTER ROLE walferry LOGIN REPLICATION PASSWORD :'password';
GRANT pg_monitor, pg_read_server_files TO walferry;
GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean), pg_ls_dir(text, boolean, boolean), pg_show_all_file_settings(), pg_switch_wal(),
    pg_create_restore_point(text) TO walferry;
GRANT SELECT ON pg_file_settings TO walferry;
SQL
line='host postgres,replication walferry samenet scram-sha-256'
grep -qxF "$line" "$PGDATA/pg_hba.conf" || echo "$line" >>"$PGDATA/pg_hba.conf"
