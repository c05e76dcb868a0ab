/*
 * The written form of a cell, before its type is looked at (SPEC 4):
 * trimming, NFC, half-width characters. Input is valid UTF-8 without NUL.
 */
#ifndef VALIDATE_FORM_H
#define VALIDATE_FORM_H

#include "base/buf.h"

#include <stdint.h>

/* Without space, tab, CR, LF, U+00A0 and U+3000 at both ends. */
struct slice validate_form_trim(struct slice s);

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
