/*
 * What the measuring programs have in common. They are no part of civicfs:
 * one that cannot do its work says why and ends with 2. Each prints one JSON
 * object, times in nanoseconds.
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include "base/buf.h"

#include <stdint.h>

/* Ends with 2, after "PROGRAM: what 'name': reason of errno". */
_Noreturn void tool_fail(const char *what, const char *name);
_Noreturn void tool_usage(const char *text);

/* A decimal number that is not negative. */
int64_t tool_number(const char *text);

/* The lines of a file without their ends; for as long as the program runs. */
char **tool_lines(const char *path, size_t *ret_n);

/* A whole file, ended by NUL; for as long as the program runs. */
char *tool_file(const char *path, size_t *ret_n);

/* FNV-1a: an answer that differs has another sum. Begin with TOOL_SUM. */
#define TOOL_SUM UINT64_C(14695981039346656037)
uint64_t tool_sum(uint64_t sum, const void *p, size_t n);

/* A number below 'bound' from a state that is not 0 (xorshift64*). */
uint64_t tool_random(uint64_t *state, uint64_t bound);

/* Adds "NAME_p50":…,"NAME_p99":…,"NAME_max":… of n times, which it sorts. */
void tool_quantiles(struct buf *json, const char *name, int64_t *times,
		    size_t n);

/* Room for n things of a size, all zero; for as long as the program runs. */
void *tool_room(size_t n, size_t size);

#endif
