#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program finds the installed library by pkg-config, shared and static.
# installed.sh ROOT SOURCE
set -eu
root=$1
source=$2
pc=$(find "$root" -name libsmtpsec.pc)
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="${pc%/*}"
prefix=$(sed -n 's/^prefix=//p' "$pc")
flags="--define-variable=prefix=$root$prefix"
include=$(pkg-config "$flags" --cflags libsmtpsec)

# shellcheck disable=SC2046,SC2086
cc -std=c11 $include "$source/examples/evaluate_minimal.c" -o "$root/shared" $(pkg-config "$flags" --libs libsmtpsec)
LD_LIBRARY_PATH=$libdir "$root/shared" 2>&1 | head -n 1
LD_LIBRARY_PATH=$libdir ldd "$root/shared" | grep -q libsmtpsec
if LD_LIBRARY_PATH=$libdir ldd "$root/shared" | grep libcurl; then
    echo "the shared library drags libcurl in"
    exit 1
fi
# Statically: our archive, on the shared libraries of the others. What --static says of those is for
# programs without any shared library, and wants archives of libcurl's that Debian's package does not bring.
# shellcheck disable=SC2046,SC2086
cc -std=c11 $include "$source/examples/evaluate_minimal.c" -o "$root/static" "$libdir/libsmtpsec.a" \
    $(pkg-config --libs-only-l $(pkg-config "$flags" --print-requires-private libsmtpsec)) -lpthread -ldl
if ldd "$root/static" | grep libsmtpsec; then
    echo "the static program still wants the shared library"
    exit 1
fi
"$root/static" 2>&1 | head -n 1

# The adapter for OpenSSL, where it was built.
[ -n "$(find "$root" -name libsmtpsec-openssl.pc)" ] || exit 0
# shellcheck disable=SC2046,SC2086
cc -std=c11 $include "$source/examples/verify_openssl.c" -o "$root/openssl" \
    $(pkg-config "$flags" --cflags --libs libsmtpsec-openssl openssl)
LD_LIBRARY_PATH=$libdir ldd "$root/openssl" | grep -q libsmtpsec-openssl
# Its archive on the shared library.
# shellcheck disable=SC2046,SC2086
cc -std=c11 $include "$source/examples/verify_openssl.c" -o "$root/openssl-static" \
    "$libdir/libsmtpsec-openssl.a" $(pkg-config "$flags" --libs libsmtpsec openssl)
if LD_LIBRARY_PATH=$libdir ldd "$root/openssl-static" | grep libsmtpsec-openssl; then
    echo "the static program still wants the shared adapter"
    exit 1
fi
for program in openssl openssl-static; do
    LD_LIBRARY_PATH=$libdir "$root/$program" 2>&1 | grep usage
done
