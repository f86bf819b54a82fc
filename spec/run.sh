#!/bin/sh
# Runs parts of the tests and adds up what they count:
#   spec/run.sh PART...    headers arch lint core spec postgresql stress host examples guide valgrind fault fuzz bench
#                          count count-table count-update scale
# The last line is "N passed, N failed"; the status is non-zero when something failed. A part that
# ends badly without naming a failure counts as one. From the Makefile: BUILD, CC, LUA, ONLY, SANITIZE; JOBS is how
# many files run at once (as many as there are processors).
set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
CC=${CC:-gcc}
LUA=${LUA:-lua5.4}
ONLY=${ONLY:-}
SANITIZE=${SANITIZE:-}
ROOT=$(pwd)
case "$BUILD" in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
SCRATCH=${SCRATCH:-$BUILD/test}
JOBS=${JOBS:-$(nproc)}
passed=0
failed=0
mkdir -p "$SCRATCH"

LUA_CPATH="$BUILD/lib/?.so;;"
export LUA_CPATH
# Stock Lua loads the sanitizers with the module, too late unless they are preloaded. What Debian's
# Lua and its modules keep to the end is not ours: leaks are looked for in the C tests and examples.
PRELOAD=""
if [ -n "$SANITIZE" ]; then
    PRELOAD="$($CC -print-file-name=libasan.so) $($CC -print-file-name=libubsan.so)"
    UBSAN_OPTIONS=print_stacktrace=1
    export UBSAN_OPTIONS
fi

# On a terminal a line says what runs now; elsewhere nothing does.
progress() { [ -t 2 ] && printf '\r\033[K%s' "$*" >&2; return 0; }
say() { progress ""; printf '== %s\n' "$*"; }
ok() { passed=$((passed + 1)); }
not_ok() { failed=$((failed + 1)); printf 'FAILED: %s\n' "$*"; }
# check NAME COMMAND...: one test; its output is shown when it fails.
check() {
    name=$1; shift
    progress "   $name"
    if "$@" >"$SCRATCH/out" 2>&1; then
        progress ""
        ok
    else
        progress ""
        cat "$SCRATCH/out"
        not_ok "$name"
    fi
}

# add_tap NAME STATUS FILE: adds up TAP; skipped tests count neither way. Shows what is not ok.
add_tap() {
    progress ""
    good=$(grep -aE '^ok ' "$3" | grep -avcE '# *(SKIP|TODO)' || true)
    bad=$(grep -aE '^not ok ' "$3" | grep -avcE '# *(SKIP|TODO)' || true) # cmocka says "not ok" of what it skips
    [ "$bad" -gt 0 ] || [ "$2" -ne 0 ] && grep -avE '^ok ' "$3"
    if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; printf 'FAILED: %s (status %s)\n' "$1" "$2"; fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

# count_tap NAME STATUS FILE: the same, and says how many.
count_tap() {
    add_tap "$@"
    printf '   %s: %s passed, %s failed\n' "$1" "$good" "$bad"
}

# c_tests FOLDER: every C test of spec/FOLDER and of the folders in it.
c_tests() {
    for source in $(find "spec/$1" -name "${ONLY:-*}.c" | sort); do
        name=$(basename "$source" .c)
        progress "   $name"
        CMOCKA_MESSAGE_OUTPUT=TAP "$BUILD/${source%.c}" >"$SCRATCH/out" 2>"$SCRATCH/err"
        status=$?
        cat "$SCRATCH/err" >>"$SCRATCH/out"
        count_tap "$name" "$status" "$SCRATCH/out"
    done
}

# side_by_side NAME LIST COMMAND...: runs it for each line of the file LIST, which stands where the command has a "%",
# JOBS at once, and adds up the TAP that they print, in the order of the lines. One that never ended is a failure.
side_by_side() {
    group=$1; list=$2; shift 2
    rm -rf "$SCRATCH/jobs"; mkdir -p "$SCRATCH/jobs"
    progress "   $group: $JOBS at once"
    nl -ba -n rz -w 6 "$list" | xargs -P "$JOBS" -L 1 spec/job.sh "$SCRATCH/jobs" "$@"
    for number in $(nl -ba -n rz -w 6 "$list" | cut -f 1); do
        job=$SCRATCH/jobs/$number
        if [ -e "$job.status" ]; then
            add_tap "$group: $(cat "$job.name")" "$(cat "$job.status")" "$job.out"
        else
            not_ok "$group: line $number of $list did not run"
        fi
    done
}

# run_specs NAME PATTERN INTERPRETER...: the specs whose path matches, through an interpreter that behaves like lua5.4;
# each file in a process of its own, so that none sees what another left, and a crash or a hang costs one file. The
# largest first: no processor waits for the other at the end.
run_specs() {
    name=$1; pattern=$2; shift 2
    helper=""
    [ -e spec/helper.lua ] && helper="--helper=spec.helper"
    before_passed=$passed; before_failed=$failed
    find spec -path "$pattern" -printf '%s %p\n' | sort -k 1,1nr -k 2 | cut -d ' ' -f 2 >"$SCRATCH/list"
    side_by_side "$name" "$SCRATCH/list" timeout 600 env "$@" "$(command -v busted)" --ignore-lua -o TAP $helper %
    printf '   %s: %s passed, %s failed\n' "$name" $((passed - before_passed)) $((failed - before_failed))
}

# example NAME FOLDER EXPECTED COMMAND...: runs in a fresh copy of FOLDER's parent tree.
example() {
    name=$1; folder=$2; expected=$ROOT/$3; shift 3
    progress "   $name"
    rm -rf "$SCRATCH/run"; mkdir -p "$SCRATCH/run"; cp -r examples "$SCRATCH/run/"
    if [ ! -e "$expected" ]; then not_ok "$name: $expected is missing"; return; fi
    (cd "$SCRATCH/run/$folder" && env "$@") >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null
    status=$?
    if [ "$status" -eq 0 ] && diff -u "$expected" "$SCRATCH/out"; then ok; else
        cat "$SCRATCH/err"
        not_ok "$name (status $status)"
    fi
}

# both NAME FOLDER EXPECTED SCRIPT: with the host and with stock Lua.
both() {
    [ -x "$BUILD/moonrow" ] && example "$1 (moonrow)" "$2" "$3" "$BUILD/moonrow" "$4"
    example "$1 ($LUA)" "$2" "$3" "LD_PRELOAD=$PRELOAD" "$LUA" "$4"
}

part_headers() {
    for header in $(cd src/include && find . -name '*.h' | sed 's|^\./||' | sort); do
        printf '#include <%s>\n' "$header" >"$SCRATCH/header.c"
        check "$header as C11" "$CC" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
            -Isrc/include -fsyntax-only "$SCRATCH/header.c"
        command -v g++ >/dev/null || continue
        check "$header as C++17" g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -Isrc/include \
            -fsyntax-only -x c++ "$SCRATCH/header.c"
    done
}

part_arch() {
    check "the layer rule" spec/arch.sh
    check "the layer rule's own test" spec/arch.sh --self-test
    check "rooms and circles of files" "$LUA" spec/circles.lua "$BUILD/obj"
    check "their own test" "$LUA" spec/circles.lua --self-test
}

part_lint() {
    check luacheck luacheck --quiet lua spec examples src/bind/embed.lua
    check "the layout of Lua" lua_layout
    check "the own test of the layout of Lua" "$LUA" spec/lua_layout.lua --self-test
    # Other versions of clang-format break lines elsewhere: only Debian 12's is asked.
    case "$(clang-format --version 2>&1)" in
        *" version 14."*) check clang-format c_format ;;
        *) echo "   the format of C was not checked: apt-get install clang-format (version 14) does it" ;;
    esac
}
lua_layout() { find lua spec examples src -name '*.lua' -exec "$LUA" spec/lua_layout.lua {} +; }
c_format() { find src spec examples -name '*.[ch]' -exec clang-format --dry-run -Werror {} +; }
part_core() { c_tests core; }
part_spec() { run_specs spec '*_spec.lua' "LD_PRELOAD=$PRELOAD" ASAN_OPTIONS=detect_leaks=0 "$LUA"; }

# The specs on a PostgreSQL server of their own; spec/postgresql.txt says what differs.
part_postgresql() {
    spec/postgresql.sh env "LD_PRELOAD=$PRELOAD" ASAN_OPTIONS=detect_leaks=0 "LUA=$LUA" "JOBS=${JOBS:-2}" \
        spec/postgresql_specs.sh "$SCRATCH/postgresql"
    status=$?
    if [ "$status" -eq 77 ]; then
        find spec -name '*_spec.lua' | sort >"$SCRATCH/files"
        skipped=$("$LUA" spec/postgresql.lua --skipped <"$SCRATCH/files" | wc -l)
        printf '   PostgreSQL: %s files of specs were skipped: make deps-all installs its server\n' \
            $(($(wc -l <"$SCRATCH/files") - skipped))
        return
    fi
    add_tap postgresql "$status" "$SCRATCH/postgresql/all"
    differs=$(grep -acE '^ok .*# SKIP' "$SCRATCH/postgresql/all" || true)
    printf '   postgresql: %s passed, %s failed, %s differ\n' "$good" "$bad" "$differs"
}

part_stress() {
    for mode in incremental generational; do
        run_specs "stress: $mode" '*_spec.lua' "MOONROW_STRESS=$mode" "LD_PRELOAD=$PRELOAD" \
            ASAN_OPTIONS=detect_leaks=0 "$LUA"
    done
}

part_host() {
    if [ ! -x "$BUILD/moonrow" ]; then echo "   there is no host to test"; return; fi
    run_specs "specs in the host" '*_spec.lua' "LD_PRELOAD=$PRELOAD" ASAN_OPTIONS=detect_leaks=0 "$BUILD/moonrow"
}

part_examples() {
    for script in examples/*.lua; do
        [ -e "$script" ] && both "$script" . "${script%.lua}.expected" "$script"
    done
    for folder in examples/*/; do
        folder=${folder%/}
        if [ -e "$folder/main.lua" ]; then both "$folder" "$folder" "$folder/expected" main.lua; fi
        for source in "$folder"/*.c; do
            [ -e "$source" ] || continue
            example "$folder" "$folder" "$folder/expected" "$BUILD/$folder"
            break
        done
    done
}

# The pages of the guide: their code runs, and prints what they say, with the host and with stock Lua. Programs in C
# link the library of this build.
part_guide() {
    for lua in lua5.4 lua-5.4 lua54; do pkg-config --exists $lua && break; done
    GUIDE_CC="$CC -Wall -Wextra -Werror -I$ROOT/src/include $(pkg-config --cflags $lua)"
    GUIDE_CC="$GUIDE_CC${SANITIZE:+ -fsanitize=$SANITIZE}"
    GUIDE_LIBS="$BUILD/lib/libmoonrow.a $(pkg-config --libs $lua sqlite3 jansson libtommath) -lm -lpthread"
    export GUIDE_CC GUIDE_LIBS
    check "the runner's own test" "$LUA" spec/guide.lua --self-test
    before_passed=$passed; before_failed=$failed
    for interpreter in "$BUILD/moonrow" "$LUA -W"; do
        case "$interpreter" in "$BUILD"*) [ -x "$BUILD/moonrow" ] || continue ;; esac
        for page in examples/guide/*.md; do echo "$page"; done >"$SCRATCH/list"
        side_by_side "$interpreter" "$SCRATCH/list" env "PATH=$BUILD:$PATH" timeout 300 "$LUA" spec/guide.lua % env \
            "LD_PRELOAD=$PRELOAD" ASAN_OPTIONS=detect_leaks=0 $interpreter
    done
    printf '   guide: %s passed, %s failed\n' $((passed - before_passed)) $((failed - before_failed))
}

# What is lost when a program has ended counts, and what valgrind cannot tell. Stock Lua unloads the module at its
# end: the names of its functions are kept.
part_valgrind() {
    export VALGRIND_OPTS="-q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible
        --show-leak-kinds=definite,indirect,possible --keep-debuginfo=yes --num-callers=30"
    for script in quickstart.lua; do
        example "$script (moonrow)" . "examples/${script%.lua}.expected" valgrind "$BUILD/moonrow" "examples/$script"
        example "$script ($LUA)" . "examples/${script%.lua}.expected" valgrind "$LUA" "examples/$script"
    done
    for folder in examples/*/; do
        folder=${folder%/}
        [ ! -e "$folder/main.lua" ] ||
            example "$folder" "$folder" "$folder/expected" valgrind "$BUILD/moonrow" main.lua
        [ ! -x "$BUILD/$folder" ] || example "$folder" "$folder" "$folder/expected" valgrind "$BUILD/$folder"
    done
    for name in app/quickstart session/session transaction/transaction; do
        run_specs "$name under valgrind" "spec/${name}_spec.lua" valgrind "$LUA"
    done
}

part_fault() {
    c_tests fault
}

# From a seed that nobody has tried, or from FUZZ_SEED on. What finalizers make while the state closes has no finalizer
# of its own in Lua 5.4, and the calls make such: leaks are looked for elsewhere.
part_fuzz() {
    seed=${FUZZ_SEED:-$(date +%s)}
    end=$(($(date +%s) + ${FUZZ_SECONDS:-60}))
    while [ "$(date +%s)" -lt "$end" ]; do
        check "seeds $seed to $((seed + 19))" env ASAN_OPTIONS=detect_leaks=0 \
            "$BUILD/moonrow" spec/fuzz/api_fuzz.lua "$seed" 20 500
        check "criteria, seed $seed" env ASAN_OPTIONS=detect_leaks=0 \
            "$BUILD/moonrow" spec/fuzz/criteria_fuzz.lua "$seed" 2000
        seed=$((seed + 20))
    done
}

part_fuzz_criteria() {
    seed=${FUZZ_SEED:-$(date +%s)}
    end=$(($(date +%s) + ${FUZZ_SECONDS:-60}))
    while [ "$(date +%s)" -lt "$end" ]; do
        check "criteria, seed $seed" env ASAN_OPTIONS=detect_leaks=0 \
            "$BUILD/moonrow" spec/fuzz/criteria_fuzz.lua "$seed" 5000
        seed=$((seed + 1))
    done
}

part_bench() {
    if "$BUILD/moonrow" spec/bench/bench.lua; then ok; else not_ok bench; fi
}

part_scale() { if "$LUA" spec/bench/scale.lua; then ok; else not_ok bench-scale; fi; }

# Instructions of small loops; with "test" nothing is counted where nothing can be compared. 77: not compared.
count() {
    CC="$CC" CFLAGS="${CFLAGS--O2 -g}" BUILD="$BUILD" "$LUA" spec/bench/count.lua "$@"
    case $? in 0) ok ;; 77) ;; *) not_ok "instructions" ;; esac
}
part_count() { if command -v valgrind >/dev/null; then count test; else echo "   valgrind is not installed"; fi; }
part_count_table() { count; }
part_count_update() { count update; }

for part in "$@"; do
    say "$part"
    "part_$(echo "$part" | tr - _)"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
