/*
 * The objects of a JSON text, one at a time, as texts of their own: so that a
 * file may be larger than memory, and a number keeps the digits it was written
 * with. Numbers come as strings.
 */
#ifndef DECODE_JSON_SPLIT_H
#define DECODE_JSON_SPLIT_H

#include "base/buf.h"
#include "decode/source.h"

struct decode_split;

/* 'source' is borrowed. ERR_NOMEM. */
MUST_CHECK int decode_split_new(struct decode_source *source,
				struct decode_split **ret, struct error *err);
void decode_split_free(struct decode_split *split);

/* From the beginning. */
void decode_split_start(struct decode_split *split);

/* The next object, with the line on which it begins: 1, 0 at the end;
 * ERR_INVALID with a sentence, ERR_NOMEM, ERR_IO. *ret holds until the next
 * call. */
MUST_CHECK int decode_split_next(struct decode_split *split, struct slice *ret,
				 int64_t *ret_line, struct error *err);

/* Whether the objects stand in a list. */
bool decode_split_is_list(const struct decode_split *split);

#endif
