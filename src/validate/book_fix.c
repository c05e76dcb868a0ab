/*
 * The rows of a fix file that is a workbook: what is wrong with a cell is
 * its colour and its comment, in the department's language. See book.h.
 */
#include "validate/book.h"

#include <stdio.h>

#define NOTE_MOST 2000 /* bytes; a comment that can be read */

/* Each comment is kept in memory and drawn; _errors says the same. */
#define NOTES_MOST 5000

int
validate_book_fix_header(struct validate_book *b, struct error *err)
{
	int rc = validate_book_put(b, b->ncolumns + VALIDATE_BOOK_ROW,
				   SLICE("_row"), b->header, err);

	if (!rc)
		rc = validate_book_put(b, b->ncolumns + VALIDATE_BOOK_ERRORS,
				       SLICE("_errors"), b->header, err);
	b->rows = 1;
	return rc;
}

/* Whether a reason is of this column; those of no column are of _errors. */
static bool
is_of(const struct validate_book *b, const struct validate_reason *reason,
      size_t column)
{
	size_t i = 0;

	while (i < b->ncolumns &&
	       (!b->columns[i].name ||
		!slice_is(reason->field, b->columns[i].name)))
		i++;
	return i < b->ncolumns ? i == column
			       : column == b->ncolumns + VALIDATE_BOOK_ERRORS;
}

/* The comment of a column's cell, in 'note'; it is empty where nothing is
 * wrong. */
static int
gather(struct validate_book *b, const struct validate_reason *reasons, size_t n,
       size_t column)
{
	buf_clear(&b->note);
	for (size_t i = 0; i < n; i++) {
		if (!is_of(b, &reasons[i], column) ||
		    b->note.len + reasons[i].message.n > NOTE_MOST)
			continue;
		if ((b->note.len && buf_addc(&b->note, '\n')) ||
		    buf_addslice(&b->note, reasons[i].message))
			return ERR_NOMEM;
	}
	return buf_str(&b->note) ? 0 : ERR_NOMEM;
}

static int
add_note(struct validate_book *b, size_t column, struct error *err)
{
	char author[] = "civicfs";
	lxw_comment_options options = {
		.author = author, .width = 300, .height = 90};

	if (b->notes >= NOTES_MOST)
		return 0;
	b->notes++;
	return validate_book_explain(
		worksheet_write_comment_opt(b->sheet, b->rows,
					    (lxw_col_t)column, b->note.data,
					    &options),
		err);
}

static int
put_judged(struct validate_book *b, size_t column, struct slice s,
	   const struct validate_reason *reasons, size_t n, struct error *err)
{
	int rc = gather(b, reasons, n, column);

	if (rc)
		return error_nomem(err);
	rc = validate_book_put(b, column, s, b->note.len ? b->wrong : b->text,
			       err);
	/* what is no cell's fault stands there in full */
	return rc || !b->note.len || column >= b->ncolumns
		       ? rc
		       : add_note(b, column, err);
}

int
validate_book_fix_row(struct validate_book *b, const struct slice *cells,
		      size_t ncells, int64_t row, struct slice errors,
		      const struct validate_reason *reasons, size_t nreasons,
		      struct error *err)
{
	char number[24];
	int digits = snprintf(number, sizeof(number), "%lld", (long long)row);
	size_t ours = b->ncolumns;
	int rc = 0;

	if (b->rows >= VALIDATE_BOOK_ROWS)
		return validate_book_too_large(err);
	for (size_t i = 0; !rc && i < ours; i++)
		rc = put_judged(b, i, i < ncells ? cells[i] : SLICE_NONE,
				reasons, nreasons, err);
	if (!rc)
		rc = validate_book_put(b, ours + VALIDATE_BOOK_ROW,
				       (struct slice){number, (size_t)digits},
				       b->text, err);
	if (!rc)
		rc = put_judged(b, ours + VALIDATE_BOOK_ERRORS, errors, reasons,
				nreasons, err);
	for (size_t i = ours; !rc && i < ncells; i++)
		rc = validate_book_put(b, i + VALIDATE_BOOK_OURS, cells[i],
				       b->text, err);
	b->rows++;
	return rc;
}
