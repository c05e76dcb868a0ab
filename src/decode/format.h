/*
 * What a file is, by its content (the extension does not count), before its
 * text is looked at: whole or cut off, and which kind of bytes.
 */
#ifndef DECODE_FORMAT_H
#define DECODE_FORMAT_H

#include "decode/bytes.h"
#include "decode/decode.h"

/* The formats of a table; frames carry the number. */
enum decode_format {
	DECODE_FORMAT_CSV,
	DECODE_FORMAT_TSV,
	DECODE_FORMAT_XLSX,
	DECODE_FORMAT_ODS,
	DECODE_FORMAT_XLS,
	DECODE_FORMAT_JSON,
	DECODE_FORMAT_JSONL,
	DECODE_FORMATS /* how many */
};

/* As in struct decode_header and in receipts. */
extern const char *const decode_format_names[DECODE_FORMATS];
/* -1 when the name is none. */
int decode_format_number(const char *name);

/* What the first bytes tell. */
enum decode_kind {
	DECODE_KIND_TEXT,   /* delimited, as far as its beginning goes */
	DECODE_KIND_JSON,   /* text, too */
	DECODE_KIND_ZIP,    /* whole: XLSX, ODS or an archive */
	DECODE_KIND_TAR,    /* an archive */
	DECODE_KIND_PACKED, /* gzip, xz, zstd: of a tar or of one file */
	DECODE_KIND_OLE	    /* XLS */
};

/*
 * *ret_end is DECODE_DONE with *ret filled, DECODE_INCOMPLETE (SPEC 6.1: no
 * bytes, a tail of NULs, a zip-based file without its end), or
 * DECODE_REJECTED after a fault went to the sink. Reads the beginning and the
 * end only. ERR_IO, ERR_NOMEM, or what the callback returned.
 */
MUST_CHECK int decode_format_find(const struct decode_bytes *bytes,
				  const struct decode_sink *sink,
				  enum decode_kind *ret,
				  enum decode_end *ret_end, struct error *err);

/* Where the end record of a zip begins, of one that is whole; -1. */
int64_t decode_format_zip_end(const struct decode_bytes *bytes,
			      struct error *err);

#endif
