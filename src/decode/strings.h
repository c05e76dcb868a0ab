/* The shared strings of a workbook, by number; few of them stay in memory. */
#ifndef DECODE_STRINGS_H
#define DECODE_STRINGS_H

#include "base/buf.h"
#include "decode/room.h"

struct decode_strings {
	struct decode_pool *texts, *ends; /* where each ends: int64_t */
	int64_t n;
	struct buf last; /* that was asked for */
};

/* The room is borrowed. ERR_NOMEM. */
MUST_CHECK int decode_strings_init(struct decode_strings *s,
				   struct decode_room *room, struct error *err);
void decode_strings_release(struct decode_strings *s);

MUST_CHECK int decode_strings_add(struct decode_strings *s, struct slice text,
				  struct error *err);

/* *ret holds until the next call. 1; 0 when there is no such string; ERR_IO,
 * ERR_NOMEM. */
MUST_CHECK int decode_strings_get(struct decode_strings *s, int64_t number,
				  struct slice *ret, struct error *err);

#endif
