/*
 * The names under which columns may come: ids and titles of the registered
 * fields, compared after trimming and NFC, otherwise exactly (SPEC 4).
 */
#ifndef DECODE_NAMES_H
#define DECODE_NAMES_H

#include "decode/decode.h"

struct decode_names;

/* 'req' must outlive it. ERR_NOMEM. */
MUST_CHECK int decode_names_new(const struct decode_request *req,
				struct decode_names **ret, struct error *err);
void decode_names_free(struct decode_names *names);
static inline void
decode_names_freep(struct decode_names **names)
{
	decode_names_free(*names);
}
#define scope_names \
	__attribute__((cleanup(decode_names_freep))) struct decode_names *

/* The label without the blanks around it: space, tab, CR, LF, U+00A0 and
 * U+3000. */
struct slice decode_names_trim(struct slice label);

/* Which field a label names: its number in the request, DECODE_CHANGE or
 * DECODE_EXTRA. An id counts before a title; an empty label names nothing.
 * ERR_NOMEM, else 0. */
MUST_CHECK int decode_names_find(const struct decode_names *names,
				 struct slice label, int *ret,
				 struct error *err);

#endif
