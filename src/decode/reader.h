/*
 * A table as records, whatever its format: what header.h searches and decode.c
 * gives to the sink. Each format fills in a reader; its context outlives it.
 */
#ifndef DECODE_READER_H
#define DECODE_READER_H

#include "base/sentence.h"
#include "decode/decode.h"

struct decode_record {
	int64_t line;		   /* physical line, or row of the sheet */
	const struct slice *cells; /* UTF-8 without NUL; until the next call */
	size_t ncells;		   /* at least one */
	const struct decode_flaw *flaws;
	size_t nflaws;
};

/* What the next call found; the caller stops at the last two. */
enum { DECODE_RECORD = 1, DECODE_TABLE_END = 2, DECODE_RECORD_FAULT = 3 };

/* What DECODE_RECORD_FAULT is about. */
struct decode_why {
	int64_t line; /* 0 unknown */
	enum sentence message;
};

struct decode_reader {
	void *ctx;
	int ways; /* in which it can be read: by delimiters, by sheets */
	/* Stands at the first record of one of them. 0, DECODE_RECORD_FAULT,
	 * or an error. */
	int (*start)(void *ctx, int way, struct error *err);
	/* One of the above, or an error. */
	int (*next)(void *ctx, struct decode_record *ret, struct error *err);
	/* NULL: next() gives no DECODE_RECORD_FAULT. */
	struct decode_why (*why)(const void *ctx);
	const char *format; /* its name, where describe is NULL */
	/* Format, encoding, delimiter, sep_line, crlf; after next(). NULL: the
	 * text has no bytes of its own, and is taken as UTF-8 with commas. */
	void (*describe)(const void *ctx, struct decode_header *h);
	/* Records that follow have no fewer cells. NULL: they have those that
	 * are there. */
	void (*widen)(void *ctx, size_t ncells);
};

#endif
