#!/bin/sh
# SQLite's preupdate hook does not hear of a DELETE without WHERE whose statement was prepared before the hook was set.
#
# Seen with SQLite 3.40.1 (Debian 12: libsqlite3-0 3.40.1-2+deb12u2) and SQLite 3.54.1 (the sources in the npm package
# better-sqlite3 13.2.0), alike.
#
# Whether such a DELETE empties the table at once or row by row is decided when it is compiled, and setting the hook does
# not make statements old: a statement from a cache of the connection deletes three rows in silence. The same text,
# prepared after the hook was set, reports three. Two ways to hear of the first one, too, are tried: any change of the
# schema, after which the statement is compiled anew by itself, and a WHERE that is always true.
#
# Prints what it sees; fails when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

cat >see.c <<'C'
#include <stdio.h>
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include "sqlite3.h"
static int heard;
static void hook(void *ud, sqlite3 *db, int op, const char *d, const char *t, sqlite3_int64 was, sqlite3_int64 is) { heard++; }
static void fill(sqlite3 *db) { sqlite3_exec(db, "INSERT INTO t VALUES (1), (2), (3)", 0, 0, 0); heard = 0; }
static void run(sqlite3 *db, const char *what, sqlite3_stmt *st) {
  sqlite3_step(st);
  sqlite3_reset(st);
  printf(" %s: %d deleted, %d heard of\n", what, sqlite3_changes(db), heard);
}
int main(void) {
  sqlite3 *db;
  sqlite3_stmt *before, *where, *after;
  sqlite3_open(":memory:", &db);
  sqlite3_exec(db, "CREATE TABLE t (id INTEGER PRIMARY KEY)", 0, 0, 0);
  sqlite3_prepare_v2(db, "DELETE FROM t", -1, &before, 0);
  sqlite3_prepare_v2(db, "DELETE FROM t WHERE 1", -1, &where, 0);
  sqlite3_preupdate_hook(db, hook, 0);
  fill(db);
  run(db, "prepared before", before);
  sqlite3_prepare_v2(db, "DELETE FROM t", -1, &after, 0);
  fill(db);
  run(db, "prepared after", after);
  fill(db);
  run(db, "before, WHERE 1", where);
  fill(db);
  sqlite3_exec(db, "CREATE TABLE other (x)", 0, 0, 0);
  heard = 0;
  run(db, "before, and the schema has changed", before);
  return 0;
}
C

apt-get download -qq libsqlite3-0=3.40.1-2+deb12u2 libsqlite3-dev=3.40.1-2+deb12u2 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
library=$(find root -name libsqlite3.so.0)
cc -w -Iroot/usr/include see.c "$library" -lm -o old
npm pack --silent better-sqlite3@13.2.0 >/dev/null
tar xzf better-sqlite3-13.2.0.tgz
cc -w -O0 -DSQLITE_ENABLE_PREUPDATE_HOOK -Ipackage/deps/sqlite3 see.c package/deps/sqlite3/sqlite3.c -lpthread -ldl -lm -o new

failed=0
check() { # VERSION PROGRAM WANTED
  got=$(LD_LIBRARY_PATH=$(dirname "$library") "./$2")
  printf '%s\n%s\n' "$1" "$got"
  [ "$got" = "$3" ] || { printf '  was:\n%s\n' "$3"; failed=1; }
}
check 3.40.1 old ' prepared before: 3 deleted, 0 heard of
 prepared after: 3 deleted, 3 heard of
 before, WHERE 1: 3 deleted, 3 heard of
 before, and the schema has changed: 3 deleted, 3 heard of'
check 3.54.1 new ' prepared before: 3 deleted, 0 heard of
 prepared after: 3 deleted, 3 heard of
 before, WHERE 1: 3 deleted, 3 heard of
 before, and the schema has changed: 3 deleted, 3 heard of'
[ "$failed" -eq 0 ] && echo "as described"
