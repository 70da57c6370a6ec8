/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/sts_entry.h"
