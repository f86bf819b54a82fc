#!/bin/sh
# Runs a command with a PostgreSQL server of its own:
#   spec/postgresql.sh COMMAND...    MOONROW_TEST_URL is the server's URL, MOONROW_TEST_PG the folder of its socket
# The cluster is made in a temporary folder, listens on a socket alone, writes nothing through to the disk, and is gone
# afterwards. As root it belongs to the user postgres (or nobody), because the server refuses to run as root. Status 77:
# this machine has no server.
set -eu

bin=""
for folder in /usr/lib/postgresql/*/bin $(command -v pg_config >/dev/null && pg_config --bindir) /usr/local/pgsql/bin; do
    [ -x "$folder/initdb" ] && bin=$folder
done
[ -n "$bin" ] || { echo "PostgreSQL's server is not installed: make deps-all does it" >&2; exit 77; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/moonrow-pg.XXXXXX")
as() { (cd "$folder" && "$@"); }
if [ "$(id -u)" -eq 0 ]; then
    owner=nobody
    id postgres >/dev/null 2>&1 && owner=postgres
    chown "$owner" "$folder"
    as() { (cd "$folder" && setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"); }
fi
chmod 755 "$folder"

finish() {
    as "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

as "$bin/initdb" -D "$folder/data" -U moonrow --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/log" 2>&1 ||
    { cat "$folder/log"; exit 1; }
as "$bin/pg_ctl" -D "$folder/data" -w -s -l "$folder/server" -o "-c listen_addresses='' -k $folder -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c shared_buffers=64MB -c max_connections=200 \
    -c wal_level=minimal -c max_wal_senders=0 -c max_prepared_transactions=20" start ||
    { cat "$folder/server"; exit 1; }

MOONROW_TEST_PG=$folder
MOONROW_TEST_URL="postgresql://moonrow@/postgres?host=$folder"
export MOONROW_TEST_PG MOONROW_TEST_URL
"$@"
