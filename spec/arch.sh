#!/bin/sh
# The layer rule (src/README.md), checked on the text of the includes:
#   spec/arch.sh [SRC]        prints each include that breaks the rule; non-zero when there is one
#   spec/arch.sh --self-test  proves that each kind of bad include is found
# A layer sees <moonrow/LAYER.h> of its own and of lower layers, and headers of its own folder. Lua's
# headers are for bind and host only. bind and load have rooms, which see each other's headers; load/plan sees no
# other room. A public header obeys the rule of the layer that it is named after.
set -u

check() {
    find "$1" -name '*.[ch]' | sort | xargs grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null |
    awk -v src="$1/" '
    BEGIN {
        sees["base"] = " base "
        sees["schema"] = " base schema "
        sees["sql"] = " base schema sql "
        sees["db"] = " base schema sql db reflection "
        sees["reflection"] = " base schema sql db "
        sees["mapper"] = " base schema sql db mapper "
        sees["change"] = " base schema sql db reflection mapper change "
        sees["entity"] = " base schema mapper entity "
        sees["query"] = " base schema sql db mapper entity query "
        sees["load"] = " base schema sql db mapper entity query load "
        sees["criteria"] = " base schema sql db mapper entity query load criteria "
        sees["flush"] = " base schema sql db mapper entity query change flush "
        sees["session"] = " base schema sql db mapper entity query load criteria change flush session undo "
        sees["undo"] = " base schema sql db mapper entity query load criteria change flush session "
    }
    function bad(why) { print $0 ": " why; found = 1 }
    {
        path = substr($0, length(src) + 1); sub(/:.*/, "", path)
        header = $0; sub(/^[^:]*:[0-9]+:[^<"]*[<"]/, "", header); sub(/[>"].*/, "", header)
        quoted = $0 ~ /include[[:space:]]*"/
        if (path ~ /^include\/moonrow\//) { layer = path; sub(/.*\//, "", layer); sub(/\.h$/, "", layer) }
        else if (path == "include/moonrow.h") layer = "moonrow.h"
        else { layer = path; sub(/\/.*/, "", layer) }
        outer = layer == "bind" || layer == "host"
        public = path ~ /^include\//

        if (header ~ /^(lua|lualib|lauxlib|luaconf)\.h(pp)?$/) {
            if (!outer || public) bad("only bind and host see Lua")
        } else if (header == "moonrow.h") {
            if (!outer) bad("moonrow.h is for bind, host and programs")
        } else if (header ~ /^moonrow\//) {
            part = header; sub(/^moonrow\//, "", part); sub(/\.h$/, "", part)
            if (outer) next
            if (layer == "moonrow.h") bad("moonrow.h stands alone")
            else if (!(layer in sees)) bad("no layer is called " layer)
            else if (!index(sees[layer], " " part " ")) bad(layer " must not see " part)
        } else if (quoted) {
            if (layer == "host" && header ~ /^\.\.\/bind\/[^\/]*$/) next
            if (layer == "bind" && header ~ /^[a-z]+\/[^\/]*$/) next
            if (layer == "load" && header ~ /^(plan|prepared|run|strategy)\/[^\/]*$/) {
                if (path ~ /^load\/plan\// && header !~ /^plan/) bad("load/plan must not see other rooms")
                next
            }
            if (header ~ /\//) bad("a private header of another folder")
            else if (public) bad("a public header includes by <moonrow/...>")
        }
    }
    END { exit found }'
}

self_test() {
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    failures=0
    # FILE INCLUDE RESULT (0: allowed, 1: refused)
    while read -r file include expected; do
        rm -rf "${tree:?}/src"
        mkdir -p "$tree/src/$(dirname "$file")"
        printf '#include %s\n' "$include" >"$tree/src/$file"
        check "$tree/src" >/dev/null
        status=$?
        if [ "$status" -ne "$expected" ]; then
            echo "arch.sh: #include $include in $file: $status, not $expected"
            failures=$((failures + 1))
        fi
    done <<'CASES'
base/map.c <moonrow/base.h> 0
base/map.c <string.h> 0
base/map.c "env_private.h" 0
base/map.c <moonrow/schema.h> 1
sql/walk.c <moonrow/mapper.h> 1
sql/walk.c "moonrow/mapper.h" 1
load/run/run.c <moonrow/flush.h> 1
load/run/run.c "plan/plan.h" 0
load/run/run.c "session/states.h" 1
load/plan/plan.c "run/run.h" 1
flush/run.c <moonrow/load.h> 1
entity/heap.c <moonrow/sql.h> 1
entity/heap.c <moonrow/query.h> 1
session/session.c <moonrow/load.h> 0
session/session.c "../load/plan/plan.h" 1
session/session.c "plan/plan.h" 1
session/session.c <lua.h> 1
session/session.c <moonrow.h> 1
bind/session.c <lua.h> 0
bind/session.c <moonrow/session.h> 0
bind/session.c "../session/private.h" 1
host/main.c <lauxlib.h> 0
host/main.c "../bind/embedded.h" 0
host/main.c "../session/private.h" 1
include/moonrow.h <lua.h> 1
include/moonrow/base.h <moonrow/sql.h> 1
include/moonrow/sql.h <moonrow/base.h> 0
include/moonrow/helpers.h <moonrow/base.h> 1
CASES
    [ "$failures" -eq 0 ]
}

cd "$(dirname "$0")/.." || exit 1
case "${1:-src}" in
    --self-test) self_test ;;
    *) check "${1:-src}" ;;
esac
