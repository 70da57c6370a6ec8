#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The public header compiles alone, as C11 and as C++17, and under the strictest warnings.
# headers.sh HEADER CC CXX
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "#include \"$1\"" >"$dir/alone.c"
cp "$dir/alone.c" "$dir/alone.cc"
"$2" -std=c11 -Wall -Wextra -pedantic-errors -Wundef -Wstrict-prototypes -Werror -fsyntax-only "$dir/alone.c"
"$3" -std=c++17 -Wall -Wextra -pedantic-errors -Wundef -Werror -fsyntax-only "$dir/alone.cc"
