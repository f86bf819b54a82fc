#!/bin/sh
# SQLite's preupdate hook, INSERT: what sqlite3_preupdate_new gives for a REAL column that gets a whole number.
#
# Seen with SQLite 3.40.1 (Debian 12: libsqlite3-0 3.40.1-2+deb12u2) and SQLite 3.54.1 (the sources in the npm package
# better-sqlite3 13.2.0).
#
# 3.40.1 gives an INTEGER 5 at the INSERT, since that is how the file stores 5.0 in a REAL column, and a REAL 5.0 at each
# UPDATE and DELETE after it: a change log that keeps values with their types sees a row inserted that is never seen
# again. A column that gets 5.5 is REAL at both. 3.54.1 gives a REAL at the INSERT, too.
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
static const char *const kinds[] = {"", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};
static void show(sqlite3 *db, const char *which, int (*read)(sqlite3 *, int, sqlite3_value **)) {
  printf("  %s:", which);
  for (int i = 0; i < sqlite3_preupdate_count(db); i++) {
    sqlite3_value *v = NULL;
    int rc = read(db, i, &v);
    if (rc) printf(" error %d", rc);
    else { printf(" %s", kinds[sqlite3_value_type(v)]); printf(" %s", sqlite3_value_text(v) ? (const char *)sqlite3_value_text(v) : "-"); }
    if (i + 1 < sqlite3_preupdate_count(db)) printf(",");
  }
  printf("\n");
}
static void hook(void *ud, sqlite3 *db, int op, const char *d, const char *t, sqlite3_int64 was, sqlite3_int64 is) {
  puts(op == SQLITE_INSERT ? " insert" : op == SQLITE_UPDATE ? " update" : " delete");
  if (op != SQLITE_INSERT) show(db, "old", sqlite3_preupdate_old);
  if (op != SQLITE_DELETE) show(db, "new", sqlite3_preupdate_new);
}

int main(void) {
  sqlite3 *db;
  sqlite3_open(":memory:", &db);
  sqlite3_exec(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL)", 0, 0, 0);
  sqlite3_preupdate_hook(db, hook, 0);
  sqlite3_exec(db, "INSERT INTO t VALUES (1, 5.0); INSERT INTO t VALUES (2, 5.5); UPDATE t SET r = 6.0 WHERE id = 1;"
                   "DELETE FROM t WHERE id = 1", 0, 0, 0);
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
check 3.40.1 old ' insert
  new: INTEGER 1, INTEGER 5
 insert
  new: INTEGER 2, REAL 5.5
 update
  old: INTEGER 1, REAL 5.0
  new: INTEGER 1, REAL 6.0
 delete
  old: INTEGER 1, REAL 6.0'
check 3.54.1 new ' insert
  new: INTEGER 1, REAL 5.0
 insert
  new: INTEGER 2, REAL 5.5
 update
  old: INTEGER 1, REAL 5.0
  new: INTEGER 1, REAL 6.0
 delete
  old: INTEGER 1, REAL 6.0'
[ "$failed" -eq 0 ] && echo "as described"
