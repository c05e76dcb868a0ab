/*
 * Frames as they come from the decoder, in batches: rows are taken apart and
 * their texts checked by a thread that is a batch ahead of who reads them. The
 * order of frames is not looked at here (frames_read.c). Of this folder only.
 */
#ifndef DECODE_FRAMES_TAKE_H
#define DECODE_FRAMES_TAKE_H

#include "decode/decode.h"

/* What stands behind the rows of a batch. */
enum decode_behind {
	DECODE_MORE_ROWS, /* perhaps */
	DECODE_A_FRAME,	  /* of another type */
	DECODE_NOTHING,	  /* the pipe has ended */
	DECODE_CUT,	  /* it has ended within a frame */
	DECODE_BROKEN,	  /* a row, or a length, breaks the rules */
	DECODE_FAILED	  /* reading did: 'err' */
};

struct decode_batch {
	struct decode_row *rows;
	size_t nrows;
	enum decode_behind behind;
	unsigned char type;   /* DECODE_A_FRAME: its, and */
	struct slice payload; /* its bytes */
	const char *broken;   /* DECODE_BROKEN: what */
	struct error err;
};

struct decode_taker;
/* The descriptor is borrowed. ERR_NOMEM. */
MUST_CHECK int decode_taker_new(int fd, int patience_ms,
				struct decode_taker **ret, struct error *err);
/* Ends a read that is under way. */
void decode_taker_free(struct decode_taker *t);
static inline void
decode_taker_freep(struct decode_taker **t)
{
	decode_taker_free(*t);
}
#define scope_taker \
	__attribute__((cleanup(decode_taker_freep))) struct decode_taker

/* The next batch, which holds until the next call; none is asked for behind
 * DECODE_NOTHING and what follows it. Blocks. */
const struct decode_batch *decode_taker_next(struct decode_taker *t);

/* A number of at most 63 bits off a payload. */
bool decode_take_number(struct slice *rest, int64_t *ret);
/* Texts, at least one and at most max; false when they break the rules. */
bool decode_take_texts(struct slice *rest, struct slice *ret, size_t max,
		       size_t *ret_n);

#endif
