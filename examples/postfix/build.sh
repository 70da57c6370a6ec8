#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Build smtp(8) of Debian's Postfix with libsmtpsec in it:
#
#   examples/postfix/build.sh DIRECTORY [LIBSMTPSEC]
#
# makes DIRECTORY/smtp. The source is that of the installed package, fetched by
# apt with settings of its own in DIRECTORY/apt: no file of the system's changes.
# Only smtp(8) is compiled, with the flags that the package was built with, and
# linked to the libpostfix-*.so of the package; all else stays Debian's.
#
# LIBSMTPSEC is a meson build directory; without it pkg-config tells where
# libsmtpsec is. A second run builds only what changed.
#
# Wants: postfix, dpkg-dev, gcc, libssl-dev, python3, pkg-config; not root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '4,17s/^# \{0,1\}//p' "$0"; exit 64; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
version=$(dpkg-query -W -f '${Version}' postfix)
upstream=${version%%-*}
tree=$work/postfix-$upstream
[ "$(cat "$work/version" 2>/dev/null)" = "$version" ] || rm -rf "$tree" "$work/objects"

# ---- The source --------------------------------------------------------------

# The machine's own sources of packages, and their source side.
source_entries() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] && sed 's/^Types: *deb *$/Types: deb-src/' "$file" && echo
    done >"$work/apt/all.sources"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] && sed -n 's/^deb /deb-src /p' "$file"
    done >"$work/apt/all.list"
    # only Debian's: whoever else is asked here has no Postfix of ours
    awk 'BEGIN { RS=""; ORS="\n\n" } /debian/' "$work/apt/all.sources" \
        >"$work/apt/parts/debian.sources"
    sed -n '/debian/Ip' "$work/apt/all.list" >"$work/apt/parts/debian.list"
}

fetch() {
    mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/parts"
    source_entries
    cat >"$work/apt/apt.conf" <<END
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/apt/parts";
Dir::State "$work/apt/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "";
END
    (
        cd "$work"
        APT_CONFIG=$work/apt/apt.conf
        export APT_CONFIG
        apt-get -q update
        apt-get -q source "postfix=$version"
    )
    rm -rf "$work/apt"
    echo "$version" >"$work/version"
}

[ -d "$tree" ] || fetch
[ -d "$tree" ] || { echo "build.sh: no source of postfix $version" >&2; exit 1; }
"$here/edit.py" "$tree"

# ---- The program -------------------------------------------------------------

# What the package itself was built with.
told=/usr/share/postfix/makedefs.out
flags=$(sed -n 's/^# CCARGS=//p' $told)
system=$(sed -n 's/^SYSTYPE[ 	]*= *//p' $told)
libs=/usr/lib/postfix
if [ $# -ge 2 ]; then
    smtpsec=$(cd "$2" && pwd)
    smtpsec_flags="-I$here/../../include"
    smtpsec_libs="$smtpsec/lib/openssl/libsmtpsec-openssl.so $smtpsec/lib/libsmtpsec.so"
    smtpsec_libs="$smtpsec_libs -Wl,-rpath,$smtpsec/lib/openssl -Wl,-rpath,$smtpsec/lib"
else
    smtpsec_flags=$(pkg-config --cflags libsmtpsec-openssl)
    smtpsec_libs=$(pkg-config --libs libsmtpsec-openssl libsmtpsec)
fi

compile="${CC:-gcc} -O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2"
compile="$compile -D$system $flags $smtpsec_flags -I$here"
for room in util global dns tls master xsasl smtp; do
    compile="$compile -isystem $tree/src/$room"
done

mkdir -p "$work/objects"
# Another library, other flags or other edits: everything anew.
echo "$compile $smtpsec_libs $(cat "$here"/edit.py "$here"/*.h | cksum)" >"$work/flags.new"
cmp -s "$work/flags.new" "$work/flags" || rm -f "$work"/objects/*.o
mv "$work/flags.new" "$work/flags"

wanted=$(sed -n '/^SRCS/,/[^\\]$/p' "$tree/src/smtp/Makefile.in" | tr -d '\\\n' |
    sed 's/^SRCS[ 	]*=//')
for name in $wanted smtp_smtpsec.c smtp_smtpsec_plan.c smtp_smtpsec_session.c; do
    file=$tree/src/smtp/$name
    warnings=-w # Postfix's own are not ours to mend
    case $name in smtp_smtpsec*) file=$here/$name warnings="-Wall -Wextra" ;; esac
    object=$work/objects/${name%.c}.o
    [ "$object" -nt "$file" ] ||
        echo "$compile $warnings -c $file -o $object.part && mv $object.part $object"
done | xargs -r -d '\n' -n 1 -P "$(nproc)" sh -c

sasl=$(ldconfig -p | sed -n 's/.*libsasl2\.so\.2 .*=> //p' | head -n 1)
# shellcheck disable=SC2086
${CC:-gcc} -pie -Wl,-z,relro,-z,now -Wl,-rpath,$libs -o "$work/smtp.part" "$work"/objects/*.o \
    $libs/libpostfix-master.so $libs/libpostfix-tls.so $libs/libpostfix-dns.so $libs/libxsasl.a \
    $libs/libpostfix-global.so $libs/libpostfix-util.so $smtpsec_libs -lssl -lcrypto "$sasl"
mv "$work/smtp.part" "$work/smtp"
echo "$work/smtp: Postfix $version"
