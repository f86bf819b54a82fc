#!/bin/sh
# UPDATE ... RETURNING on a view whose INSTEAD OF trigger does the work: what RETURNING gives for a column that the UPDATE
# does not assign depends on whether the trigger's body mentions NEW.column.
#
# Seen with SQLite 3.40.1 (Debian 12: sqlite3 and libsqlite3-0 3.40.1-2+deb12u2) and with SQLite 3.51.0 (npm package
# node-sqlite3-wasm 0.8.51).
#
# 3.40.1 gives NULL for each column that is neither assigned nor mentioned as NEW.column in the trigger, the key among
# them, without an error: whoever takes a key or a version from RETURNING loses it. To mention NEW.id anywhere in the
# trigger brings the key back. 3.51.0 gives the row's values in both cases. b, computed by the view from the assigned
# column, is NULL in the one and of the old row in the other, never of the new row.
#
#                            3.40.1     3.51.0
#   trigger without NEW.id   |q||       1|q|5|x!
#   trigger with NEW.id      1|q||      1|q|5|x!
#
# Prints what it sees; fails when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

schema() { # NAME WHERE
  cat >"$1.sql" <<SQL
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, n INT);
CREATE VIEW v AS SELECT id, a, n, a || '!' AS b FROM t;
CREATE TRIGGER tu INSTEAD OF UPDATE ON v BEGIN UPDATE t SET a = NEW.a WHERE id = $2; END;
INSERT INTO t VALUES (1, 'x', 5), (2, 'y', 6);
SQL
}
schema without OLD.id
schema with NEW.id
query="UPDATE v SET a = 'q' WHERE id = 1 RETURNING id, a, n, b"

apt-get download -qq sqlite3=3.40.1-2+deb12u2 libsqlite3-0=3.40.1-2+deb12u2 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
library=$(dirname "$(find root -name libsqlite3.so.0)")
npm install --silent --no-audit --no-fund node-sqlite3-wasm@0.8.51 >/dev/null

failed=0
check() { # VERSION NAME WANTED GOT
  printf '%s, trigger %s NEW.id: %s\n' "$1" "$2" "$4"
  [ "$3" = "$4" ] || { echo "  was: $3"; failed=1; }
}
for name in without with; do
  old=$(LD_LIBRARY_PATH=$library root/usr/bin/sqlite3 :memory: ".read $name.sql" "$query;")
  new=$(node -e '
    const { Database } = require("node-sqlite3-wasm");
    const db = new Database(":memory:");
    db.exec(require("fs").readFileSync(process.argv[1] + ".sql", "utf8"));
    const row = db.get(process.argv[2]);
    console.log([row.id, row.a, row.n, row.b].join("|"));' "$name" "$query")
  if [ "$name" = with ]; then check 3.40.1 "$name" '1|q||' "$old"; else check 3.40.1 "$name" '|q||' "$old"; fi
  check 3.51.0 "$name" '1|q|5|x!' "$new"
done
[ "$failed" -eq 0 ] && echo "as described"
