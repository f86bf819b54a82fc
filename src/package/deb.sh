#!/bin/sh
# deb.sh: builds the Debian packages from what was built: moonrow (the host), lua-moonrow (the module for stock Lua) and
# libmoonrow-dev (for C programs). Called by make, which sets BUILD, VERSION and MAKE. Needs dpkg-deb alone; lintian
# checks the packages where it is installed. MAINTAINER="Name <address>" is whom they name.
#
# Invariant: each file of `make install` is in one of the packages.
set -eu

out=$BUILD/deb
arch=$(dpkg --print-architecture)
triplet=$(gcc -print-multiarch)
libdir=/usr/lib/$triplet
everything=$out/everything
maintainer=${MAINTAINER:-moonrow authors <authors@moonrow.example>}
date=$(date -R ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})

rm -rf "$out"
mkdir -p "$out"
$MAKE --no-print-directory -s install-strip BUILD="$BUILD" PREFIX=/usr LIBDIR="$libdir" LUA_CMOD="$libdir/lua/5.4" \
    DESTDIR="$everything"

# needs FILE: the packages whose libraries the program or module loads, with the versions that it needs, where dpkg-dev
# is there to say them.
needs() {
    if command -v dpkg-shlibdeps > /dev/null; then
        mkdir -p "$out/debian"
        printf 'Source: moonrow\n' > "$out/debian/control"
        (cd "$out" && dpkg-shlibdeps -O "${1#"$out/"}" 2> /dev/null) | sed -n 's/^shlibs:Depends=//p'
        rm -rf "$out/debian"
        return
    fi
    ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | while read -r library; do
        dpkg -S "$(readlink -f "$library")" 2>/dev/null || dpkg -S "$library" 2>/dev/null || true
    done | sed 's/:.*//' | sort -u | paste -sd , | sed 's/,/, /g'
}

# move PACKAGE PATH...: into the package's tree.
move() {
    package=$1
    shift
    for path in "$@"; do
        mkdir -p "$out/$package$(dirname "$path")"
        mv "$everything$path" "$out/$package$path"
    done
}

# finish PACKAGE SECTION DEPENDS SUMMARY, and the description on the standard input.
finish() {
    package=$1
    doc=$out/$package/usr/share/doc/$package
    mkdir -p "$doc" "$out/$package/DEBIAN"
    {
        echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
        printf '\nFiles: *\nCopyright: 2026 moonrow authors\nLicense: Expat\n'
        sed '1,4d; s/^$/./; s/^/ /' LICENSE
    } > "$doc/copyright"
    printf 'moonrow (%s) unstable; urgency=medium\n\n  * This version.\n\n -- %s  %s\n' "$VERSION" "$maintainer" "$date" |
        gzip -9n > "$doc/changelog.gz"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n' "$package" "$VERSION" "$arch" "$maintainer"
        printf 'Installed-Size: %s\n' "$(du -sk "$out/$package" | cut -f1)"
        printf 'Section: %s\nPriority: optional\nDepends: %s\n' "$2" "$3"
        printf 'Suggests: libpq5, libpcre2-8-0\nDescription: %s\n' "$4" # looked for when they are wanted
        sed 's/^$/./; s/^/ /'
    } > "$out/$package/DEBIAN/control"
    (cd "$out/$package" && find usr -type f | sort | xargs -d '\n' md5sum) > "$out/$package/DEBIAN/md5sums"
    find "$out/$package" -type d -exec chmod 755 {} +
    dpkg-deb --root-owner-group -Zxz --build "$out/$package" "$out/${package}_${VERSION}_$arch.deb" > /dev/null
    rm -rf "${out:?}/$package"
    echo "$out/${package}_${VERSION}_$arch.deb"
}

gzip -9n "$everything/usr/share/man/man1/moonrow.1"
move moonrow /usr/bin/moonrow /usr/share/man/man1/moonrow.1.gz /usr/share/bash-completion /usr/share/doc/moonrow
move lua-moonrow "$libdir/lua" /usr/share/moonrow
move libmoonrow-dev "$libdir/libmoonrow.a" "$libdir/pkgconfig" /usr/include
left=$(find "$everything" -type f)
[ -z "$left" ] || { echo "deb.sh: in no package: $left" >&2; exit 1; }

finish moonrow interpreters "$(needs "$out/moonrow/usr/bin/moonrow")" "Lua with an ORM for SQLite and PostgreSQL" <<'END'
The program runs Lua 5.4 scripts that map classes to tables, and is a shell on
a database: it completes names and shows results as tables.
END
finish lua-moonrow interpreters "$(needs "$out/lua-moonrow$libdir/lua/5.4/moonrow.so")" \
    "ORM for SQLite and PostgreSQL, for Lua 5.4" <<'END'
The module for the interpreter lua5.4: declared classes, relationships with
lazy and eager loading, sessions that write what has changed. Annotations for
editors are in /usr/share/moonrow/meta.
END
finish libmoonrow-dev libdevel "liblua5.4-dev, libsqlite3-dev, libjansson-dev, libtommath-dev" \
    "ORM for SQLite and PostgreSQL, for programs that embed Lua" <<'END'
The static library and the headers: a C program puts it into its own Lua state
and shares objects with the scripts.
END
rm -rf "$everything"

if command -v lintian > /dev/null; then lintian --fail-on error "$out"/*.deb; fi
