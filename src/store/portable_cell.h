/* What is behind portable.h: a cell, and a name, as SQLite has them. Functions
 * of memory. */
#ifndef STORE_PORTABLE_CELL_H
#define STORE_PORTABLE_CELL_H

#include "store/portable.h"

enum store_portable_kind {
	STORE_PORTABLE_NULL,
	STORE_PORTABLE_AS_IT_IS, /* text */
	STORE_PORTABLE_WHOLE,
	STORE_PORTABLE_DOUBLE, /* every digit can be told again from it */
	STORE_PORTABLE_NEAREST
};

struct store_portable_value {
	enum store_portable_kind kind;
	int64_t whole;
	double real;
};

/* 'cell' is a canonical value of the column's type (SPEC 4); what is none stays
 * text. 'room' is the caller's, for speed. ERR_NOMEM. */
MUST_CHECK int store_portable_value(enum store_portable_type type,
				    struct slice cell, struct buf *room,
				    struct store_portable_value *ret);

/* Appends a name as SQL has it. ERR_NOMEM. */
MUST_CHECK int store_portable_name(const char *name, struct buf *out);

#endif
