#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# on_redis.sh RUNNER DIRECTORY: all stories of a directory, each in a process of its own.
runner=$1
failed=0
count=0
for file in $(find "$2" -name '*.scn' | sort); do
    said=$("$runner" "$file" 2>&1)
    status=$?
    [ "$status" != 77 ] || { echo "$said"; exit 77; }
    count=$((count + 1))
    [ "$status" = 0 ] || { failed=$((failed + 1)); echo "$file"; echo "$said"; }
done
echo "$count stories, $failed failed"
[ "$count" -gt 5 ] && [ "$failed" = 0 ]
