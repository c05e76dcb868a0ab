/*
 * The written form of a cell, before its type is looked at (SPEC 4):
 * trimming, NFC, half-width characters. Input is valid UTF-8 without NUL.
 */
#ifndef VALIDATE_FORM_H
#define VALIDATE_FORM_H

#include "base/buf.h"

#include <stdint.h>

/* A character of ASCII that leaves ink. */
static inline bool
validate_form_is_visible(char c)
{
	return c > ' ' && (unsigned char)c < 0x7f;
}

/* Without space, tab, CR, LF, U+00A0 and U+3000 at both ends. */
struct slice validate_form_trim_slowly(struct slice s);
static inline struct slice
validate_form_trim(struct slice s)
{
	/* nearly every cell begins and ends with a visible character */
	if (s.n && validate_form_is_visible(s.p[0]) &&
	    validate_form_is_visible(s.p[s.n - 1]))
		return s;
	return validate_form_trim_slowly(s);
}

/*
 * In NFC. *ret is 's' itself, or points into 'tmp', which is overwritten.
 * ERR_NOMEM; ERR_INVALID when the bytes are no UTF-8.
 */
MUST_CHECK int validate_form_nfc(struct slice s, struct buf *tmp,
				 struct slice *ret);

/* With full-width forms (U+FF01 to U+FF5E, U+3000) as ASCII; where *ret
 * points as above. ERR_NOMEM. */
MUST_CHECK int validate_form_narrow(struct slice s, struct buf *tmp,
				    struct slice *ret);

/* Appends with CR LF and CR as LF. ERR_NOMEM. */
MUST_CHECK int validate_form_add_lines(struct buf *out, struct slice s);

/* Code points. */
int64_t validate_form_length(struct slice s);

#endif
