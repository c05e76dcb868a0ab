/*
 * Writing JSON text with exact numbers and raw UTF-8 (SPEC 15). A failure is
 * kept and every later call does nothing, so only jsonout_end_text() has to
 * be checked.
 *
 *	struct jsonout j = jsonout_begin(&buf, true);
 *	jsonout_object(&j);
 *	jsonout_key(&j, "title");
 *	jsonout_string(&j, SLICE("a"));
 *	jsonout_end(&j);
 *	return jsonout_end_text(&j);
 */
#ifndef BASE_JSONOUT_H
#define BASE_JSONOUT_H

#include "base/buf.h"

#include <stdint.h>

#define JSONOUT_DEPTH 16 /* objects and arrays within each other */

struct jsonout {
	struct buf *out;
	int rc;	     /* 0 or ERR_NOMEM, ERR_INTERNAL (too deep) */
	bool pretty; /* two blanks a level, else compact */
	bool after_key;
	int depth;
	struct {
		char close; /* '}' or ']' */
		bool any;   /* something is in it */
	} level[JSONOUT_DEPTH];
};

struct jsonout jsonout_begin(struct buf *out, bool pretty);
void jsonout_object(struct jsonout *j);
void jsonout_array(struct jsonout *j);
void jsonout_end(struct jsonout *j); /* of the innermost object or array */
void jsonout_key(struct jsonout *j, const char *key);
void jsonout_string(struct jsonout *j, struct slice s);
void jsonout_integer(struct jsonout *j, int64_t n);
/* true, false, null, or a number's own digits. */
void jsonout_raw(struct jsonout *j, struct slice literal);
/* For the common pair of key and text. */
void jsonout_pair(struct jsonout *j, const char *key, const char *value);
/* Ends what is still open; the code of the first failure. Adds no LF. */
MUST_CHECK int jsonout_end_text(struct jsonout *j);

#endif
