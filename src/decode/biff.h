/*
 * The records of an old workbook ([MS-XLS], BIFF8): a type, a length, bytes;
 * CONTINUE goes on where a record would be too long.
 */
#ifndef DECODE_BIFF_H
#define DECODE_BIFF_H

#include "base/buf.h"
#include "decode/bytes.h"

#define DECODE_BIFF_MAX 8228 /* bytes of a record */

struct decode_biff {
	struct decode_bytes bytes;
	int64_t next; /* where the record after this one begins */
	unsigned int type;
	size_t n, at; /* bytes of the record, and how many were taken */
	size_t have;  /* bytes in 'block', which begins at 'from' */
	int64_t from;
	const char *p; /* the record, in 'block' */
	char block[65536];
};

/* Where the next record will be read. */
void decode_biff_seek(struct decode_biff *b, int64_t at);

/* The next record: 1; 0 at the end of the bytes; ERR_INVALID, ERR_IO. */
MUST_CHECK int decode_biff_next(struct decode_biff *b, struct error *err);

/* Takes bytes of the record and, behind its end, of its CONTINUEs: 0, or
 * ERR_INVALID when there are no more. A NULL 'out' passes over them. */
MUST_CHECK int decode_biff_take(struct decode_biff *b, void *out, size_t n,
				struct error *err);
MUST_CHECK int decode_biff_u16(struct decode_biff *b, unsigned int *ret,
			       struct error *err);
MUST_CHECK int decode_biff_u32(struct decode_biff *b, uint32_t *ret,
			       struct error *err);

/* Takes a text whose length has 'size_bytes' bytes (1 or 2), appends it as
 * UTF-8. Halves of pairs and NULs become U+FFFD. */
MUST_CHECK int decode_biff_text(struct decode_biff *b, size_t size_bytes,
				struct buf *out, struct error *err);

int decode_biff_damaged(struct error *err);

#endif
