/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocations of the archives under test that can be made to fail. Include it
 * once in a program that is linked with drive_wrap_args (meson.build).
 */
#ifndef SS_TEST_FAILING_ALLOC_H
#define SS_TEST_FAILING_ALLOC_H

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

/* The allocation with this number, counted from 1, fails; 0: none. */
static unsigned long alloc_fail_at;
static unsigned long alloc_count;

static int
alloc_fails(void)
{
    return alloc_fail_at > 0 && ++alloc_count == alloc_fail_at;
}

/* Start counting; true later when the failure was given. */
static void
alloc_fail_set(unsigned long at)
{
    alloc_fail_at = at;
    alloc_count = 0;
}

static int
alloc_fail_reached(void)
{
    return alloc_count >= alloc_fail_at;
}

void *
__wrap_malloc(size_t size)
{
    return alloc_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return alloc_fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return alloc_fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return alloc_fails() ? NULL : __real_reallocarray(old, count, size);
}

#endif
