/*
 * Fix files (SPEC 6): the refused rows in the form in which they came, so
 * that the program which opened the original opens this: its header and then
 * _row and _errors, its encoding, delimiter and line breaks.
 */
#include "validate/book.h"

#include "base/scope.h"

#include <errno.h>
#include <iconv.h>

#define NO_ICONV ((iconv_t)-1)

struct validate_fix {
	struct buf labels;   /* packed by offset: all labels in one run */
	struct slice *cells; /* nlabels, into 'labels' */
	int *fields;	     /* nlabels, as decode_header.field */
	size_t nlabels;
	bool workbook;
	struct slice delimiter; /* into 'mark' */
	char mark[8];
	bool sep_line;
	const char *line_end;
	struct slice bom;
	iconv_t iconv;	 /* NO_ICONV: UTF-8 */
	struct buf line; /* UTF-8 of the line being made */
};

/* The encodings decode tells apart. */
static const struct {
	const char *name;
	const char *iconv; /* NULL: UTF-8 as it is */
	const char *bom;
} encodings[] = {
	{"utf-8", NULL, "\xef\xbb\xbf"},
	{"utf-8-bom", NULL, "\xef\xbb\xbf"},
	{"utf-16le", "UTF-16LE", "\xff\xfe"},
	{"utf-16be", "UTF-16BE", "\xfe\xff"},
	{"gb18030", "GB18030", ""},
};

/* The formats whose fix files are workbooks. */
static const char *const workbooks[] = {"xlsx", "ods", "xls"};

static int
init_encoding(struct validate_fix *fix, const char *name, struct error *err)
{
	fix->iconv = NO_ICONV;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		if (strcmp(encodings[i].name, name) != 0)
			continue;
		fix->bom = slice_str(encodings[i].bom);
		if (!encodings[i].iconv)
			return 0;
		fix->iconv = iconv_open(encodings[i].iconv, "UTF-8");
		if (fix->iconv == NO_ICONV && errno == ENOMEM)
			return error_nomem(err);
		if (fix->iconv == NO_ICONV)
			return error_set(err, ERR_INVALID,
					 "cannot write a fix file in '%s': "
					 "this machine's C library lacks the "
					 "conversion; install its gconv "
					 "modules",
					 name);
		return 0;
	}
	return error_set(err, ERR_INVALID,
			 "cannot write a fix file in the unknown encoding "
			 "'%s'",
			 name);
}

static int
init_labels(struct validate_fix *fix, const struct decode_header *header)
{
	size_t at = 0;

	fix->nlabels = header->nlabels;
	fix->cells = calloc(header->nlabels + 1, sizeof(*fix->cells));
	fix->fields = calloc(header->nlabels + 1, sizeof(*fix->fields));
	if (!fix->cells || !fix->fields)
		return ERR_NOMEM;
	for (size_t i = 0; header->field && i < header->nlabels; i++)
		fix->fields[i] = header->field[i];
	for (size_t i = 0; i < header->nlabels; i++) {
		if (buf_addslice(&fix->labels, header->labels[i]))
			return ERR_NOMEM;
	}
	for (size_t i = 0; i < header->nlabels; i++) {
		fix->cells[i].n = header->labels[i].n;
		if (fix->cells[i].n)
			fix->cells[i].p = fix->labels.data + at;
		at += fix->cells[i].n;
	}
	return 0;
}

int
validate_fix_new(const struct decode_header *header, struct validate_fix **ret,
		 struct error *err)
{
	struct validate_fix *fix = calloc(1, sizeof(*fix));
	int rc;

	if (!fix)
		return error_nomem(err);
	memcpy(fix->mark, header->delimiter, sizeof(fix->mark));
	fix->delimiter = (struct slice){fix->mark,
					strnlen(fix->mark, sizeof(fix->mark))};
	fix->sep_line = header->sep_line;
	fix->line_end = header->crlf ? "\r\n" : "\n";
	for (size_t i = 0; i < sizeof(workbooks) / sizeof(*workbooks); i++)
		fix->workbook |= strcmp(header->format, workbooks[i]) == 0;
	rc = init_encoding(fix, header->encoding, err);
	if (!rc && init_labels(fix, header))
		rc = error_nomem(err);
	if (rc) {
		validate_fix_free(fix);
		return rc;
	}
	*ret = fix;
	return 0;
}

void
validate_fix_free(struct validate_fix *fix)
{
	if (!fix)
		return;
	if (fix->iconv != NO_ICONV)
		iconv_close(fix->iconv);
	buf_release(&fix->labels);
	buf_release(&fix->line);
	free(fix->cells);
	free(fix->fields);
	free(fix);
}

static bool
needs_quotes(const struct validate_fix *fix, struct slice cell)
{
	if (!cell.n)
		return false;
	return memchr(cell.p, '"', cell.n) || memchr(cell.p, '\n', cell.n) ||
	       memchr(cell.p, '\r', cell.n) ||
	       memmem(cell.p, cell.n, fix->delimiter.p, fix->delimiter.n);
}

static int
add_cell(struct validate_fix *fix, struct slice cell, bool first)
{
	struct buf *line = &fix->line;

	if (!first && buf_addslice(line, fix->delimiter))
		return ERR_NOMEM;
	if (!needs_quotes(fix, cell))
		return buf_addslice(line, cell);
	if (buf_reserve(line, 2 * cell.n + 2))
		return ERR_NOMEM;
	line->data[line->len++] = '"';
	for (size_t i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			line->data[line->len++] = '"';
		line->data[line->len++] = cell.p[i];
	}
	line->data[line->len++] = '"';
	return 0;
}

/* The cells under the header, padded so that _row and _errors stand under
 * theirs; cells beyond the header come last. */
static int
add_line(struct validate_fix *fix, const struct slice *cells, size_t ncells,
	 struct slice row, struct slice errors)
{
	for (size_t i = 0; i < fix->nlabels; i++) {
		struct slice cell = i < ncells ? cells[i] : SLICE_NONE;

		if (add_cell(fix, cell, i == 0))
			return ERR_NOMEM;
	}
	if (add_cell(fix, row, fix->nlabels == 0) ||
	    add_cell(fix, errors, false))
		return ERR_NOMEM;
	for (size_t i = fix->nlabels; i < ncells; i++) {
		if (add_cell(fix, cells[i], false))
			return ERR_NOMEM;
	}
	return buf_adds(&fix->line, fix->line_end);
}

/* Appends the finished line in the file's encoding; on failure 'out' is as it
 * was. */
static int
flush_line(struct validate_fix *fix, struct buf *out, struct error *err)
{
	char *from = fix->line.data;
	size_t left = fix->line.len, start = out->len;

	if (fix->iconv == NO_ICONV)
		return buf_addslice(out, buf_slice(&fix->line))
			       ? error_nomem(err)
			       : 0;
	while (left) {
		size_t room, rc;
		char *to;

		if (buf_reserve(out, 2 * left + 16)) {
			out->len = start;
			return error_nomem(err);
		}
		room = out->cap - out->len;
		to = out->data + out->len;
		rc = iconv(fix->iconv, &from, &left, &to, &room);
		out->len = (size_t)(to - out->data);
		if (rc == (size_t)-1 && errno != E2BIG) {
			out->len = start;
			return error_set(err, ERR_INVALID,
					 "cannot write a row of the fix file: "
					 "a character has no place in the "
					 "encoding of the original");
		}
	}
	return 0;
}

int
validate_fix_header(struct validate_fix *fix, struct buf *out,
		    struct error *err)
{
	size_t start = out->len;
	int rc;

	buf_clear(&fix->line);
	if (buf_addslice(out, fix->bom))
		return error_nomem(err);
	if (fix->sep_line && (buf_adds(&fix->line, "sep=") ||
			      buf_addslice(&fix->line, fix->delimiter) ||
			      buf_adds(&fix->line, fix->line_end)))
		rc = error_nomem(err);
	else if (add_line(fix, fix->cells, fix->nlabels, SLICE("_row"),
			  SLICE("_errors")))
		rc = error_nomem(err);
	else
		rc = flush_line(fix, out, err);
	if (rc)
		out->len = start;
	return rc;
}

int
validate_fix_row(struct validate_fix *fix, const struct slice *cells,
		 size_t ncells, int64_t row, struct slice errors,
		 struct buf *out, struct error *err)
{
	char number[24];
	int n = snprintf(number, sizeof(number), "%lld", (long long)row);

	buf_clear(&fix->line);
	if (add_line(fix, cells, ncells, (struct slice){number, (size_t)n},
		     errors))
		return error_nomem(err);
	return flush_line(fix, out, err);
}

bool
validate_fix_is_workbook(const struct validate_fix *fix)
{
	return fix->workbook;
}

int
validate_fix_book(const struct validate_fix *fix,
		  const struct config_resource *resource, const char *language,
		  int fd, struct validate_book **ret, struct error *err)
{
	int rc = validate_book_new(resource, language, fix->cells, fix->fields,
				   fix->nlabels, fd, ret, err);

	if (!rc)
		rc = validate_book_fix_header(*ret, err);
	if (rc)
		validate_book_free(*ret);
	return rc;
}
