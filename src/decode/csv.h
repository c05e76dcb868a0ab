/*
 * The CSV scanner: records of RFC 4180 with the exact physical line of each,
 * in bounded memory (one record and a block). Ours, because row, line and
 * cause of every fault are the product.
 *
 * Rules: a line ends with LF, CR LF or a lone CR outside quotes (U+2028 is
 * text); the last line needs no end; an empty line is a record of one empty
 * cell. A cell that begins with a quote ends with one, holds anything in
 * between, and a quote in it is doubled; in any other cell a quote is text.
 * Text behind a closing quote, a quote that stays open, and NUL are faults.
 */
#ifndef DECODE_CSV_H
#define DECODE_CSV_H

#include "decode/reader.h"
#include "decode/source.h"

/* The delimiters of SPEC 4, in the order in which they are tried where no line
 * 'sep=' names one. */
#define DECODE_DELIMITERS 4
extern const char *const decode_delimiters[DECODE_DELIMITERS];

/* The longest, with its NUL. */
#define DECODE_DELIMITER_SIZE 8
/* Writes a character by which cells may be separated; false when it is none: a
 * quote, a line break, NUL, no character. */
bool decode_delimiter_make(int64_t code_point,
			   char ret[static DECODE_DELIMITER_SIZE]);

struct decode_csv;

/* 'source' is borrowed and must outlive it. ERR_NOMEM. */
MUST_CHECK int decode_csv_new(struct decode_source *source,
			      struct decode_csv **ret, struct error *err);
void decode_csv_free(struct decode_csv *csv);
static inline void
decode_csv_freep(struct decode_csv **csv)
{
	decode_csv_free(*csv);
}
#define scope_csv __attribute__((cleanup(decode_csv_freep))) struct decode_csv *

/* A first line that is not of the table (sep=), in bytes of text with its
 * line end; n is 0 when there is none. */
struct decode_csv_lead {
	size_t n;
	bool crlf;
};

/* Starts at the first record; 'delimiter' is copied and ends by NUL. May be
 * called again to read the same text differently. */
void decode_csv_start(struct decode_csv *csv, const char *delimiter,
		      struct decode_csv_lead lead);

/* As a reader's next(), or what decode_source_read() failed with, ERR_NOMEM. */
MUST_CHECK int decode_csv_next(struct decode_csv *csv,
			       struct decode_record *ret, struct error *err);

/* After DECODE_RECORD_FAULT; static text. */
struct decode_why decode_csv_fault(const struct decode_csv *csv);

/* Whether the first line break of the file was CR LF; known once the first
 * record was read. */
bool decode_csv_crlf(const struct decode_csv *csv);

#endif
