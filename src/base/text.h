/*
 * The two texts civicfs writes everywhere: cells of CSV and strings of JSON
 * (SPEC 15). Input is valid UTF-8 without NUL.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

/* One CSV cell by RFC 4180, quoted only if it holds a comma, a quote or LF. */
MUST_CHECK int text_csv_cell(struct buf *out, struct slice cell);

/* A whole CSV line of n cells with LF; a lone empty cell is quoted. */
MUST_CHECK int text_csv_line(struct buf *out, const struct slice *cells,
			     size_t n);

/* A JSON string with its quotes: raw UTF-8, and escaped only what must be: ",
 * \ and what lies below the blank, in the shortest form (as RFC 8785 has it,
 * and JSON.stringify and Python's json write it). */
MUST_CHECK int text_json_string(struct buf *out, struct slice s);
/* How long it would be. */
size_t text_json_length(struct slice s);

/* Whether the bytes are UTF-8 (no surrogates, no overlong forms, up to
 * U+10FFFF). *ret_at is where the first wrong sequence begins. */
bool text_is_utf8(struct slice s, size_t *ret_at);

/* The length of the sequence at the front of 's', 1 to 4; _WRONG when none
 * begins there, _CUT when it is right as far as it goes (also when 's' is
 * empty). For text that comes in pieces. */
#define TEXT_UTF8_WRONG 0
#define TEXT_UTF8_CUT (-1)
int text_utf8_next(struct slice s);

/* How many bytes at the front of 's' are whole sequences, many at a time;
 * text_utf8_next() says of the rest what is wrong with it. *ret_wide becomes
 * true when one of three or four bytes is among them; may be NULL. */
size_t text_utf8_run(struct slice s, bool *ret_wide);

/* How many bytes at the front of 's' are ASCII; many at a time. */
size_t text_ascii_run(struct slice s);

/* For people: control characters as \xNN, cut after 'max' characters with an
 * ellipsis (0: never). */
MUST_CHECK int text_visible(struct buf *out, struct slice s, size_t max);

#endif
