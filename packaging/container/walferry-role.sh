#!/bin/sh
# The postgres image runs this once, when it makes the database: the role that `walferry backup` connects as.
set -eu
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set password `cat /run/secrets/walferry_password`
CREATE ROLE walferry LOGIN REPLICATION PASSWORD :'password';
GRANT pg_read_all_settings TO walferry;
SQL
printf 'host postgres,replication walferry samenet scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
