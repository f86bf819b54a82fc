#!/bin/sh
# install.sh MODE: puts what was built in place, or takes it away. Called by make, which sets BUILD, PREFIX, DESTDIR,
# LUA_CMOD, VERSION and LIBS (what a static program links besides).
#   install          as it was built
#   install-strip    without what only a debugger needs
#   install-module   without what C programs need (luarocks would take the library for a module)
#   uninstall        removes the files that install puts there, and the folders of moonrow's own
#
# Invariant: each file is named once, in list_files and list_library, so that uninstall removes what install has put there.
set -eu

mode=$1
here=$(dirname "$0")
root=$here/../..
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# one MODE SOURCE TARGET: installs or removes one file.
one() {
    target=$DESTDIR$3
    if [ "$mode" = uninstall ]; then
        rm -f "$target"
        return
    fi
    mkdir -p "$(dirname "$target")"
    install -m "$1" "$2" "$target"
    [ "$mode" = install-strip ] || return 0
    case "$2" in
        *.so | */moonrow) strip --strip-unneeded --remove-section=.comment --remove-section=.note "$target" ;;
        *.a) strip --strip-debug --remove-section=.comment --enable-deterministic-archives "$target" ;;
    esac
}

# tree FOLDER TARGET: all files below it.
tree() {
    (cd "$1" && find . -type f ! -name '*.o' | sed 's|^\./||' | sort) | while read -r file; do
        one 644 "$1/$file" "$2/$file"
    done
}

write_pc() {
    sed -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$LIBDIR|" -e "s|@VERSION@|$VERSION|" -e "s|@LIBS@|$LIBS|" \
        "$here/moonrow.pc.in" > "$scratch/moonrow.pc"
}

write_manual() {
    sed "s|@VERSION@|$VERSION|" "$here/moonrow.1" > "$scratch/moonrow.1"
}

list_library() {
    one 644 "$BUILD/lib/libmoonrow.a" "$LIBDIR/libmoonrow.a"
    tree "$root/src/include" "$PREFIX/include"
    write_pc
    one 644 "$scratch/moonrow.pc" "$LIBDIR/pkgconfig/moonrow.pc"
}

list_files() {
    share=$PREFIX/share
    [ ! -x "$BUILD/moonrow" ] || one 755 "$BUILD/moonrow" "$PREFIX/bin/moonrow"
    one 644 "$BUILD/lib/moonrow.so" "$LUA_CMOD/moonrow.so"
    [ "$mode" = install-module ] || list_library
    tree "$root/lua/moonrow/meta" "$share/moonrow/meta"
    write_manual
    one 644 "$scratch/moonrow.1" "$share/man/man1/moonrow.1"
    one 644 "$here/moonrow.bash" "$share/bash-completion/completions/moonrow"
    one 644 "$root/README.md" "$share/doc/moonrow/README.md"
    tree "$root/examples" "$share/doc/moonrow/examples"
}

list_files
if [ "$mode" = uninstall ]; then
    for folder in "$PREFIX/include/moonrow" "$PREFIX/share/moonrow" "$PREFIX/share/doc/moonrow"; do
        [ ! -d "$DESTDIR$folder" ] || find "$DESTDIR$folder" -depth -type d -empty -delete
    done
fi
