#!/bin/sh
# Runs the specs on the server of MOONROW_TEST_URL, JOBS at a time, each file in a process of its own, and writes their TAP
# to FOLDER/all:
#   spec/postgresql.sh spec/postgresql_specs.sh FOLDER [PATTERN]
set -u
folder=$1
pattern=${2:-*_spec.lua}
LUA=${LUA:-lua5.4}
rm -rf "$folder"; mkdir -p "$folder"
find spec -path "$pattern" -name '*_spec.lua' | sort >"$folder/files"
"$LUA" spec/postgresql.lua --skipped <"$folder/files" >"$folder/skipped"

cat >"$folder/one" <<'ONE'
out="$1/$(echo "$2" | tr / _)"
{ timeout 300 "$LUA" "$(command -v busted)" --ignore-lua -o TAP --helper=spec.helper "$2"; echo "$?" >"$out.status"; } >"$out.tap" 2>&1
"$LUA" spec/postgresql.lua "$2" <"$out.tap" >"$out.out"
status=$(cat "$out.status")
# A file that ends badly without naming a failure, or without a plan, counts as one.
if ! grep -aqE '^1\.\.' "$out.tap" || { [ "$status" -gt 1 ] && ! grep -aqE '^not ok ' "$out.tap"; }; then
    printf 'not ok 0 - %s (status %s)\n' "$2" "$status" >>"$out.out"
    tail -n 20 "$out.tap" | sed 's/^/# /' >>"$out.out"
fi
exit 0
ONE
export LUA
comm -23 "$folder/files" "$folder/skipped" |
    xargs -P "${JOBS:-2}" -n 1 sh "$folder/one" "$folder"
cat "$folder"/*.out >"$folder/all"
