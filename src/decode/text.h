/* Delimited text (CSV, TSV) as a reader: each delimiter is a way to read it,
 * unless a first line 'sep=' names one. */
#ifndef DECODE_TEXT_H
#define DECODE_TEXT_H

#include "decode/reader.h"
#include "decode/source.h"

struct decode_text;

/* 'source' is borrowed and must outlive it. *ret_end is DECODE_DONE, or
 * DECODE_REJECTED after a fault went to the sink (a 'sep=' that separates
 * nothing). ERR_NOMEM, what decode_source_read() failed with, or what the
 * callback returned. */
MUST_CHECK int decode_text_open(struct decode_source *source,
				const struct decode_sink *sink,
				struct decode_text **ret,
				enum decode_end *ret_end, struct error *err);
void decode_text_close(struct decode_text *text);
static inline void
decode_text_closep(struct decode_text **text)
{
	decode_text_close(*text);
}
#define scope_text \
	__attribute__((cleanup(decode_text_closep))) struct decode_text *

struct decode_reader decode_text_reader(struct decode_text *text);

#endif
