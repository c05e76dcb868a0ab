/* What book.c and book_choices.c share: a workbook while it is made. */
#ifndef VALIDATE_BOOK_H
#define VALIDATE_BOOK_H

#include "base/buf.h"
#include "validate/validate.h"

#include <xlsxwriter.h>

/* What stands behind the columns of a fix file's original. */
enum { VALIDATE_BOOK_ROW, VALIDATE_BOOK_ERRORS, VALIDATE_BOOK_OURS };

struct validate_book_column {
	const struct config_field *field; /* NULL: nobody registered it */
	const char *name; /* of the field; "change"; NULL neither */
	int width;
};

struct validate_book {
	const struct config_resource *resource;
	bool zh;
	lxw_workbook *workbook;
	lxw_worksheet *sheet;
	lxw_format *header, *text, *wrong;
	struct validate_book_column *columns;
	size_t ncolumns;
	lxw_row_t rows; /* written, with the header */
	int64_t notes;
	struct buf cell, note;
};

/* What the library says, as an error of ours: ERR_NOMEM, ERR_IO, and ERR_LIMIT
 * for what the format cannot hold. */
MUST_CHECK int validate_book_explain(lxw_error why, struct error *err);

/* Of a text: its length in UTF-16 units, and its width in columns. */
void validate_book_measure(struct slice s, size_t *ret_units, int *ret_width);

/* The text as the library wants it, in 'out', which is cleared. ERR_NOMEM. */
MUST_CHECK int validate_book_string(struct slice s, struct buf *out);

/* A cell of the row under way; empty: nothing but its format. */
MUST_CHECK int validate_book_put(struct validate_book *b, size_t column,
				 struct slice s, lxw_format *format,
				 struct error *err);

/* ERR_LIMIT. */
int validate_book_too_large(struct error *err);

/* The columns behind those of the original, and the end of the header
 * (book_fix.c). */
MUST_CHECK int validate_book_fix_header(struct validate_book *b,
					struct error *err);

/* Whoever fills in rows 1 to 'last' can choose, where a field says from what
 * (book_choices.c). */
MUST_CHECK int validate_book_add_choices(struct validate_book *b,
					 lxw_row_t last, struct error *err);

#endif
