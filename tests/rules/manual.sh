#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual pages render without a warning.
set -eu
for page in doc/*.[1-8]; do
    mandoc -T lint -W warning "$page"
done
