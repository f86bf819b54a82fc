#!/bin/sh
# deb_check.sh: installs the Debian packages in a bare system of their own, and tries them there: the host, the module in
# stock Lua, a C program; then removes them. Called by make, which sets BUILD and VERSION. Needs root, debootstrap and a
# mirror (MIRROR=URL; else the one that apt has). Status 77: that is not there.
#
# Invariant: the system is in a temporary folder, and is gone afterwards; nothing is installed on this machine.
set -eu

[ "$(id -u)" -eq 0 ] || { echo "deb_check.sh: needs root, for chroot" >&2; exit 77; }
command -v debootstrap > /dev/null || { echo "deb_check.sh: debootstrap is not installed" >&2; exit 77; }

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=${MIRROR:-$(sed -n 's/^deb \(http[^ ]*debian\/\{0,1\}\) .*/\1/p; s/^URIs: \(http[^ ]*debian\/\{0,1\}\)$/\1/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | head -n 1)}
system=$(mktemp -d)
trap 'rm -rf "$system"' EXIT

inside() { chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

# quietly COMMAND...: shows what it prints where it fails.
quietly() { "$@" > "$system/log" 2>&1 || { tail -n 30 "$system/log" >&2; return 1; }; }

# expect TEXT COMMAND...: what the command prints inside.
expect() {
    wanted=$1
    shift
    found=$(inside "$@" 2>&1) || true
    [ "$found" = "$wanted" ] || { printf 'deb_check.sh: %s\n printed %s\n and not %s\n' "$*" "$found" "$wanted" >&2; exit 1; }
    echo "ok - $*"
}

mkdir -p "$system"
quietly debootstrap --variant=minbase "$suite" "$system" "${mirror:-http://deb.debian.org/debian}"
cp "$BUILD"/deb/*.deb "$system/root"
[ ! -f /etc/resolv.conf ] || cp /etc/resolv.conf "$system/etc/resolv.conf"
for file in /etc/apt/apt.conf.d/*proxy*; do [ ! -f "$file" ] || cp "$file" "$system/etc/apt/apt.conf.d"; done

quietly inside apt-get install -y --no-install-recommends "/root/moonrow_${VERSION}_$(dpkg --print-architecture).deb"
expect "moonrow     $VERSION" sh -c 'moonrow version | head -n 1'
expect "3" moonrow -e 'local db = mr.open "sqlite:////root/a.db"; print(db.session:scalar(mr.text "SELECT 1 + 2"))'
expect "0" sh -c 'moonrow check /root/a.db 2> /dev/null; echo $?'
expect "4" sh -c 'echo "2 + 2" | moonrow -i | tail -n 1'

quietly inside apt-get install -y --no-install-recommends lua5.4 gcc libc6-dev pkg-config \
    $(cd "$system" && ls root/lua-moonrow_*.deb root/libmoonrow-dev_*.deb | sed 's|^|/|')
expect "moonrow $VERSION" lua5.4 -e 'print(require "moonrow"._VERSION)'
expect "0" sh -c 'cd /usr/share/doc/moonrow/examples/embed && cc -o /root/embed embed.c $(pkg-config --cflags --libs moonrow) \
    && /root/embed model.lua > /root/printed; echo $?'

quietly inside apt-get purge -y moonrow lua-moonrow libmoonrow-dev
expect "" find /usr -name '*moonrow*'
echo "deb_check.sh: the packages install, run and go"
