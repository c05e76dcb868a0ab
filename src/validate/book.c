/*
 * Tables that people fill in, as a workbook (SPEC 5, 6.4). Every cell is a
 * text and stays one when it is typed over, so that no program shortens a
 * code; where a field has few values they can be chosen; what is wrong is
 * coloured and says why in a comment.
 *
 * libxlsxwriter does the rest. It keeps rows in unnamed files of the current
 * folder, and does not notice when these cannot be written: whoever needs to
 * be sure reads the workbook again.
 */
#include "validate/book.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <utf8proc.h>

/* Limits of the format. */
#define COLUMNS_MOST 16384
#define CELL_MOST 32767	   /* UTF-16 units */
#define SHEET_NAME_MOST 31 /* the same */

/* Widths, in characters. */
#define WIDTH_LEAST 8
#define WIDTH_MOST 60
#define ROWS_MEASURED 1000

/* Equal rows make equal bytes: no workbook says when it was made. */
#define NO_TIME 946684800 /* 2000-01-01 */

int
validate_book_explain(lxw_error why, struct error *err)
{
	switch (why) {
	case LXW_NO_ERROR:
		return 0;
	case LXW_ERROR_MEMORY_MALLOC_FAILED:
		return error_nomem(err);
	case LXW_ERROR_CREATING_XLSX_FILE:
	case LXW_ERROR_CREATING_TMPFILE:
	case LXW_ERROR_READING_TMPFILE:
	case LXW_ERROR_ZIP_FILE_OPERATION:
	case LXW_ERROR_ZIP_FILE_ADD:
	case LXW_ERROR_ZIP_CLOSE:
		return error_errno(err, errno ? errno : EIO, "workbook");
	default:
		return error_set(err, ERR_LIMIT,
				 "no workbook can hold the table: %s",
				 lxw_strerror(why));
	}
}

int
validate_book_too_large(struct error *err)
{
	return error_set(err, ERR_LIMIT,
			 "no workbook can hold so large a table");
}

/* ---- texts --------------------------------------------------------------- */

/* In UTF-16 units, and in columns of a terminal. */
void
validate_book_measure(struct slice s, size_t *ret_units, int *ret_width)
{
	size_t units = 0;
	int width = 0;

	while (s.n) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n =
			utf8proc_iterate((const utf8proc_uint8_t *)s.p,
					 (utf8proc_ssize_t)s.n, &c);

		if (n <= 0)
			n = 1;
		else
			width += utf8proc_charwidth(c);
		units += n == 4 ? 2 : 1;
		s.p += n;
		s.n -= (size_t)n;
	}
	*ret_units = units;
	*ret_width = width;
}

/* Whether a text goes on with what a workbook takes for an escaped character:
 * _xHHHH_. */
static bool
is_escape(struct slice s)
{
	if (s.n < 7 || s.p[0] != '_' || s.p[1] != 'x' || s.p[6] != '_')
		return false;
	for (size_t i = 2; i < 6; i++) {
		if (!strchr("0123456789abcdefABCDEF", s.p[i]))
			return false;
	}
	return true;
}

/* The text as the library wants it, in 'out'. */
int
validate_book_string(struct slice s, struct buf *out)
{
	buf_clear(out);
	if (!s.n || (!memmem(s.p, s.n, "_x", 2) && !memchr(s.p, '\0', s.n)))
		return buf_addslice(out, s) || !buf_str(out) ? ERR_NOMEM : 0;
	for (size_t i = 0; i < s.n; i++) {
		struct slice rest = {s.p + i, s.n - i};

		if (is_escape(rest) && buf_adds(out, "_x005F"))
			return ERR_NOMEM;
		if (s.p[i] && buf_addc(out, s.p[i]))
			return ERR_NOMEM;
	}
	return buf_str(out) ? 0 : ERR_NOMEM;
}

int
validate_book_put(struct validate_book *b, size_t column, struct slice s,
		  lxw_format *format, struct error *err)
{
	lxw_col_t at = (lxw_col_t)column;
	size_t units = s.n; /* no more than bytes */
	int width = 0;

	if (column >= COLUMNS_MOST)
		return validate_book_too_large(err);
	if (units > CELL_MOST || b->rows < ROWS_MEASURED)
		validate_book_measure(s, &units, &width);
	if (units > CELL_MOST)
		return validate_book_too_large(err);
	if (column < b->ncolumns + VALIDATE_BOOK_OURS &&
	    b->columns[column].width < width)
		b->columns[column].width = width;
	if (!s.n)
		return validate_book_explain(
			worksheet_write_blank(b->sheet, b->rows, at, format),
			err);
	if (validate_book_string(s, &b->cell))
		return error_nomem(err);
	return validate_book_explain(worksheet_write_string(b->sheet, b->rows,
							    at, b->cell.data,
							    format),
				     err);
}

/* ---- begin --------------------------------------------------------------- */

/* Of the descriptor, so that it is found when it comes back; a name of the
 * format's kind. */
static void
sheet_name(const struct config_resource *r, char ret[static 4 * 32])
{
	const char *name = r->sheet && *r->sheet ? r->sheet : r->id;
	size_t at = 0, units = 0;

	for (const char *p = name; *p; p++) {
		bool begins = ((unsigned char)*p & 0xc0) != 0x80;

		units += begins ? 1 + ((unsigned char)*p >= 0xf0) : 0;
		if (units > SHEET_NAME_MOST)
			break;
		ret[at++] = strchr("[]:*?/\\'", *p) ? '_' : *p;
	}
	ret[at] = '\0';
	/* a name that Excel keeps for itself */
	if (strcasecmp(ret, "history") == 0)
		memcpy(ret + at, "_", 2);
}

static lxw_format *
text_format(lxw_workbook *workbook)
{
	lxw_format *format = workbook_add_format(workbook);

	if (format) {
		format_set_num_format(format, "@");
		format_set_align(format, LXW_ALIGN_VERTICAL_TOP);
	}
	return format;
}

static int
make_formats(struct validate_book *b)
{
	b->header = text_format(b->workbook);
	b->text = text_format(b->workbook);
	b->wrong = text_format(b->workbook);
	if (!b->header || !b->text || !b->wrong)
		return ERR_NOMEM;
	format_set_bold(b->header);
	format_set_bg_color(b->header, 0xD9E1F2);
	format_set_bottom(b->header, LXW_BORDER_THIN);
	format_set_bg_color(b->wrong, 0xFFC7CE);
	format_set_font_color(b->wrong, 0x9C0006);
	return 0;
}

static int
make_workbook(struct validate_book *b, int fd, struct error *err)
{
	char path[32], tmpdir[] = ".", name[4 * 32], author[] = "civicfs";
	lxw_workbook_options options = {.constant_memory = LXW_TRUE,
					.tmpdir = tmpdir};
	lxw_doc_properties properties = {.author = author, .created = NO_TIME};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	errno = 0;
	b->workbook = workbook_new_opt(path, &options);
	if (!b->workbook)
		return error_nomem(err);
	sheet_name(b->resource, name);
	b->sheet = workbook_add_worksheet(b->workbook, name);
	if (!b->sheet)
		return error_errno(err, errno ? errno : EIO, "workbook");
	if (make_formats(b))
		return error_nomem(err);
	worksheet_freeze_panes(b->sheet, 1, 0);
	return validate_book_explain(
		workbook_set_properties(b->workbook, &properties), err);
}

static int
make_columns(struct validate_book *b, const struct slice *labels,
	     const int *fields, size_t n, struct error *err)
{
	b->columns = calloc(n + VALIDATE_BOOK_OURS, sizeof(*b->columns));
	if (!b->columns)
		return error_nomem(err);
	b->ncolumns = n;
	for (size_t i = 0; i < n; i++) {
		int rc = validate_book_put(b, i, labels[i], b->header, err);

		if (rc)
			return rc;
		if (fields[i] >= 0) {
			b->columns[i].field = &b->resource->fields[fields[i]];
			b->columns[i].name = b->columns[i].field->id;
		} else if (fields[i] == DECODE_CHANGE) {
			b->columns[i].name = "change";
		}
	}
	return 0;
}

int
validate_book_new(const struct config_resource *resource, const char *language,
		  const struct slice *labels, const int *fields, size_t n,
		  int fd, struct validate_book **ret, struct error *err)
{
	struct validate_book *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return error_nomem(err);
	b->resource = resource;
	b->zh = strcmp(language, "zh") == 0;
	rc = make_workbook(b, fd, err);
	if (!rc)
		rc = make_columns(b, labels, fields, n, err);
	if (rc) {
		validate_book_free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

/* The library closes its files when it writes the workbook, not before. */
static void
abandon(lxw_workbook *workbook)
{
	lxw_worksheet *sheet;

	STAILQ_FOREACH(sheet, workbook->worksheets, list_pointers)
	{
		if (sheet->optimize_tmpfile)
			fclose(sheet->optimize_tmpfile);
	}
	lxw_workbook_free(workbook);
}

void
validate_book_free(struct validate_book *b)
{
	if (!b)
		return;
	if (b->workbook)
		abandon(b->workbook);
	buf_release(&b->cell);
	buf_release(&b->note);
	free(b->columns);
	free(b);
}

/* ---- end ----------------------------------------------------------------- */

/* Columns of nothing but texts: rows that are added are texts, too. */
static int
set_columns(struct validate_book *b, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < b->ncolumns + VALIDATE_BOOK_OURS; i++) {
		int width = b->columns[i].width + 2;

		if (i >= b->ncolumns && !width)
			break;
		width = width < WIDTH_LEAST  ? WIDTH_LEAST
			: width > WIDTH_MOST ? WIDTH_MOST
					     : width;
		rc = validate_book_explain(
			worksheet_set_column(b->sheet, (lxw_col_t)i,
					     (lxw_col_t)i, width, b->text),
			err);
	}
	return rc;
}

int
validate_book_close(struct validate_book *b, int64_t rows, struct error *err)
{
	lxw_row_t last = rows ? (lxw_row_t)rows : 1;
	lxw_workbook *workbook = b->workbook;
	int rc = set_columns(b, err);

	if (!rc)
		rc = validate_book_add_choices(b, last, err);
	if (rc)
		return rc;
	/* of the numbers among the texts nobody has to be warned */
	(void)worksheet_ignore_errors(
		b->sheet, LXW_IGNORE_NUMBER_STORED_AS_TEXT, "A1:XFD1048576");
	errno = 0;
	b->workbook = NULL; /* closed, whatever comes of it */
	return validate_book_explain(workbook_close(workbook), err);
}
