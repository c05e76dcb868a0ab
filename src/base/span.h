/*
 * Names of files of changes, as in changes/ of a theme (SPEC 7): N.csv leads
 * from the version before to N, FROM..TO.csv from one to the other. Whatever
 * stands behind the first dot after the numbers does not matter.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stdint.h>

struct span {
	int64_t from, to; /* 0 <= from < to */
};

/* False, and *ret left alone, when a name says no versions. */
bool span_parse(const char *name, struct span *ret);

/* The name of one: the short one where there is a choice. */
#define SPAN_NAME 64
void span_name(const struct span *span, char ret[static SPAN_NAME]);

#endif
