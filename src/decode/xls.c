/*
 * An old workbook ([MS-XLS], BIFF8, Excel 97 to 2003) as a reader: the stream
 * of records is copied out of its container, its globals are read once, and a
 * sheet's cells as they come. See workbook.h; doc/decisions says why this is
 * not left to a library.
 */
#include "decode/biff.h"
#include "decode/format.h"
#include "decode/ole.h"
#include "decode/strings.h"
#include "decode/workbook.h"

#include "base/scope.h"
#include "base/sentence.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define BIFF8 0x600
#define STYLES_MAX 65536

enum record {
	FORMULA = 0x06,
	END = 0x0a,
	EPOCH = 0x22,
	PASSWORD = 0x2f,
	SHEET = 0x85,
	MULRK = 0xbd,
	RICH_LABEL = 0xd6,
	STYLE = 0xe0,
	MERGED = 0xe5,
	STRINGS = 0xfc,
	SHARED_LABEL = 0xfd,
	NUMBER = 0x203,
	LABEL = 0x204,
	BOOLEAN = 0x205,
	RESULT = 0x207, /* the text of the formula before it */
	RK = 0x27e,
	FORMAT = 0x41e,
	BEGIN = 0x809
};

struct format {
	unsigned int id;
	unsigned char style;
};

struct xls {
	struct decode_job *job;
	struct error *err; /* of the job */
	struct decode_biff biff;
	struct decode_sheets sheets;
	int64_t *places; /* of the sheets' records, by their place */
	size_t nplaces;
	bool from_1904;
	struct format *formats;
	size_t nformats;
	unsigned char *styles; /* of each cell format */
	size_t nstyles;
	struct decode_strings strings;
	struct buf text;

	const struct decode_sheet *of;
	struct decode_gap gap;
	int64_t header;
	int64_t line; /* of the row that is being read; 0 none */
	bool ready;   /* a row waits */
	bool pending; /* a record was read, but not looked at */
	bool ended;
	bool awaits;   /* the text of a formula */
	size_t column; /* of it */
	struct decode_sheet_row row;
};

static const char *
error_name(unsigned char code)
{
	static const struct {
		unsigned char code;
		const char *name;
	} names[] = {{0x00, "#NULL!"}, {0x07, "#DIV/0!"}, {0x0f, "#VALUE!"},
		     {0x17, "#REF!"},  {0x1d, "#NAME?"},  {0x24, "#NUM!"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].code == code)
			return names[i].name;
	}
	return "#N/A";
}

/* ---- globals ------------------------------------------------------------- */

static int
take_sheet(struct xls *x)
{
	unsigned char state[2] = {0};
	struct decode_sheet *sheet;
	uint32_t at;
	int64_t *more;
	int rc = decode_biff_u32(&x->biff, &at, x->err);

	if (!rc)
		rc = decode_biff_take(&x->biff, state, sizeof(state), x->err);
	buf_clear(&x->text);
	if (!rc)
		rc = decode_biff_text(&x->biff, 1, &x->text, x->err);
	/* charts and macros are no tables */
	if (rc || state[1])
		return rc;
	more = reallocarray(x->places, x->nplaces + 1, sizeof(*more));
	if (!more || !buf_str(&x->text))
		return error_nomem(x->err);
	x->places = more;
	more[x->nplaces++] = at;
	if (decode_sheets_add(&x->sheets, x->text.data, &sheet))
		return error_nomem(x->err);
	sheet->hidden = state[0] & 3;
	return 0;
}

static int
take_format(struct xls *x)
{
	struct format *more;
	unsigned int id;
	int rc = decode_biff_u16(&x->biff, &id, x->err);

	buf_clear(&x->text);
	if (!rc)
		rc = decode_biff_text(&x->biff, 2, &x->text, x->err);
	if (rc || x->nformats == STYLES_MAX)
		return rc;
	more = reallocarray(x->formats, x->nformats + 1, sizeof(*more));
	if (!more || !buf_str(&x->text))
		return error_nomem(x->err);
	x->formats = more;
	more[x->nformats++] =
		(struct format){id, decode_style_parse(x->text.data)};
	return 0;
}

static int
take_style(struct xls *x)
{
	unsigned int font, id;
	unsigned char *more;
	int rc = decode_biff_u16(&x->biff, &font, x->err);

	if (!rc)
		rc = decode_biff_u16(&x->biff, &id, x->err);
	if (rc || x->nstyles == STYLES_MAX)
		return rc;
	more = realloc(x->styles, x->nstyles + 1);
	if (!more)
		return error_nomem(x->err);
	x->styles = more;
	more[x->nstyles] = decode_style_builtin(id);
	for (size_t i = 0; i < x->nformats; i++) {
		if (x->formats[i].id == id)
			more[x->nstyles] = x->formats[i].style;
	}
	x->nstyles++;
	return 0;
}

static int
take_strings(struct xls *x)
{
	uint32_t total, n;
	int rc = decode_biff_u32(&x->biff, &total, x->err);

	if (!rc)
		rc = decode_biff_u32(&x->biff, &n, x->err);
	for (uint32_t i = 0; !rc && i < n; i++) {
		buf_clear(&x->text);
		rc = decode_biff_text(&x->biff, 2, &x->text, x->err);
		if (!rc)
			rc = decode_strings_add(&x->strings,
						buf_slice(&x->text), x->err);
	}
	return rc;
}

static int
take_epoch(struct xls *x)
{
	unsigned int epoch;
	int rc = decode_biff_u16(&x->biff, &epoch, x->err);

	x->from_1904 = epoch == 1;
	return rc;
}

static int
refuse_password(struct xls *x)
{
	return sentence_error(x->err, ERR_INVALID, MSG_BOOK_PASSWORD, "");
}

static const struct {
	enum record type;
	int (*take)(struct xls *x);
} globals[] = {
	{EPOCH, take_epoch}, {PASSWORD, refuse_password},
	{SHEET, take_sheet}, {FORMAT, take_format},
	{STYLE, take_style}, {STRINGS, take_strings},
};

/* The first record of a part says which version wrote it. */
static int
take_begin(struct xls *x)
{
	unsigned int version = 0;
	int rc = decode_biff_next(&x->biff, x->err);

	if (rc < 0)
		return rc;
	if (!rc || (x->biff.type & 0xff) != (BEGIN & 0xff))
		return decode_biff_damaged(x->err);
	rc = decode_biff_u16(&x->biff, &version, x->err);
	if (rc || (x->biff.type == BEGIN && version == BIFF8))
		return rc;
	return sentence_error(x->err, ERR_INVALID, MSG_XLS_95, "");
}

static int
read_globals(struct xls *x)
{
	int rc = take_begin(x);

	while (!rc) {
		rc = decode_biff_next(&x->biff, x->err);
		if (rc < 0)
			return rc;
		if (!rc)
			return decode_biff_damaged(x->err);
		if (x->biff.type == END)
			return 0;
		rc = 0;
		for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]);
		     i++) {
			if (globals[i].type == x->biff.type)
				rc = globals[i].take(x);
		}
	}
	return rc;
}

/* ---- cells --------------------------------------------------------------- */

static int
end_cell(struct xls *x, size_t column, enum decode_flaw_kind flaw)
{
	char name[DECODE_COLUMN_SIZE];

	if (decode_sheet_row_end_cell(&x->row, column, flaw))
		return 0;
	decode_sheet_column(column, name);
	return sentence_error(x->err, ERR_INVALID, MSG_XLS_CELL_TWICE,
			      "%s%lld" AND "%.100s", name, (long long)x->line,
			      x->of->name);
}

static int
add_number(struct xls *x, size_t column, unsigned int style, double value)
{
	enum decode_flaw_kind flaw;

	if (decode_sheet_double(value,
				style < x->nstyles ? x->styles[style]
						   : DECODE_STYLE_NUMBER,
				x->from_1904, &x->row.text, &flaw))
		return error_nomem(x->err);
	return end_cell(x, column, flaw);
}

static int
add_text(struct xls *x, size_t column, struct slice text,
	 enum decode_flaw_kind flaw)
{
	if (buf_addslice(&x->row.text, text))
		return error_nomem(x->err);
	return end_cell(x, column, flaw);
}

/* Whole numbers of 30 bits or the upper half of a double; either perhaps a
 * hundred times the value. */
static double
rk_value(uint32_t rk)
{
	double value;

	if (rk & 2) {
		value = (int32_t)rk >> 2;
	} else {
		uint64_t bits = (uint64_t)(rk & ~3U) << 32;

		memcpy(&value, &bits, sizeof(value));
	}
	return rk & 1 ? value / 100 : value;
}

static int
take_double(struct xls *x, double *ret)
{
	uint64_t bits = 0;
	int rc = decode_biff_take(&x->biff, &bits, sizeof(bits), x->err);

	bits = le64toh(bits);
	memcpy(ret, &bits, sizeof(*ret));
	return rc;
}

static int
add_boolean(struct xls *x, size_t column, bool error, unsigned char value)
{
	if (error)
		return add_text(x, column, slice_str(error_name(value)),
				DECODE_FLAW_ERROR);
	return add_text(x, column, value ? SLICE("true") : SLICE("false"), 0);
}

static int
take_formula(struct xls *x, size_t column, unsigned int style)
{
	unsigned char p[8];
	double value;
	int rc = decode_biff_take(&x->biff, p, sizeof(p), x->err);

	if (rc)
		return rc;
	if (p[6] != 0xff || p[7] != 0xff) {
		uint64_t bits;

		memcpy(&bits, p, sizeof(bits));
		bits = le64toh(bits);
		memcpy(&value, &bits, sizeof(value));
		return add_number(x, column, style, value);
	}
	x->awaits = p[0] == 0;
	x->column = column;
	return p[0] == 1 || p[0] == 2 ? add_boolean(x, column, p[0] == 2, p[2])
				      : 0;
}

static int
take_shared(struct xls *x, size_t column)
{
	struct slice text = SLICE_NONE;
	uint32_t number;
	int rc = decode_biff_u32(&x->biff, &number, x->err);

	if (!rc)
		rc = decode_strings_get(&x->strings, number, &text, x->err);
	if (rc == 0)
		return decode_biff_damaged(x->err);
	return rc < 0 ? rc : add_text(x, column, text, 0);
}

static int
take_text(struct xls *x, size_t column)
{
	int rc;

	buf_clear(&x->text);
	rc = decode_biff_text(&x->biff, 2, &x->text, x->err);
	return rc ? rc : add_text(x, column, buf_slice(&x->text), 0);
}

/* Several cells, of which the last two bytes name the last column. */
static int
take_several(struct xls *x, size_t column)
{
	int rc = 0;

	while (!rc && x->biff.n - x->biff.at >= 8) {
		unsigned int style;
		uint32_t rk;

		rc = decode_biff_u16(&x->biff, &style, x->err);
		if (!rc)
			rc = decode_biff_u32(&x->biff, &rk, x->err);
		if (!rc)
			rc = add_number(x, column++, style, rk_value(rk));
	}
	return rc;
}

static int
take_cell(struct xls *x, size_t column)
{
	unsigned char p[2];
	unsigned int style;
	double value;
	uint32_t rk;
	int rc;

	if (x->biff.type == MULRK)
		return take_several(x, column);
	rc = decode_biff_u16(&x->biff, &style, x->err);
	if (rc)
		return rc;
	switch (x->biff.type) {
	case FORMULA:
		return take_formula(x, column, style);
	case SHARED_LABEL:
		return take_shared(x, column);
	case NUMBER:
		rc = take_double(x, &value);
		return rc ? rc : add_number(x, column, style, value);
	case RK:
		rc = decode_biff_u32(&x->biff, &rk, x->err);
		return rc ? rc : add_number(x, column, style, rk_value(rk));
	case BOOLEAN:
		rc = decode_biff_take(&x->biff, p, sizeof(p), x->err);
		return rc ? rc : add_boolean(x, column, p[1], p[0]);
	default:
		return take_text(x, column);
	}
}

/* ---- rows ---------------------------------------------------------------- */

static bool
is_cell(unsigned int type)
{
	return type == FORMULA || type == MULRK || type == RICH_LABEL ||
	       type == SHARED_LABEL || type == NUMBER || type == LABEL ||
	       type == BOOLEAN || type == RK;
}

static int
check_merged(struct xls *x)
{
	unsigned int n, first, last, columns;
	int rc = decode_biff_u16(&x->biff, &n, x->err);

	for (unsigned int i = 0; !rc && i < n; i++) {
		rc = decode_biff_u16(&x->biff, &first, x->err);
		if (!rc)
			rc = decode_biff_u16(&x->biff, &last, x->err);
		if (!rc)
			rc = decode_biff_u16(&x->biff, &columns, x->err);
		if (!rc)
			rc = decode_biff_u16(&x->biff, &columns, x->err);
		if (!rc && x->header && last > first && first >= x->header &&
		    first < x->gap.line)
			rc = sentence_error(x->err, ERR_INVALID, MSG_XLS_MERGED,
					    "%u" AND "%u" AND "%.100s",
					    first + 1, last + 1, x->of->name);
	}
	return rc;
}

/* A cell of another row ends the one before: it is looked at again later. 1:
 * a row is ready. */
static int
take_row_cell(struct xls *x)
{
	unsigned int row, column;
	int rc = decode_biff_u16(&x->biff, &row, x->err);

	if (rc)
		return rc;
	if (x->line && x->line != (int64_t)row + 1 && x->row.n) {
		x->biff.at = 0;
		x->pending = true;
		return 1;
	}
	if (x->line != (int64_t)row + 1) {
		if ((int64_t)row + 1 <= x->gap.line)
			return decode_biff_damaged(x->err);
		x->line = (int64_t)row + 1;
		decode_sheet_row_begin(&x->row);
	}
	rc = decode_biff_u16(&x->biff, &column, x->err);
	return rc ? rc : take_cell(x, column);
}

/* One record of a sheet: 1 when a row is ready. */
static int
take_record(struct xls *x)
{
	bool awaits = x->awaits;

	if (is_cell(x->biff.type)) {
		x->awaits = false;
		return take_row_cell(x);
	}
	switch (x->biff.type) {
	case RESULT:
		x->awaits = false;
		return awaits ? take_text(x, x->column) : 0;
	case MERGED:
		return check_merged(x);
	case END:
		x->ended = true;
		return x->row.n > 0;
	default:
		return 0;
	}
}

static int
read_row(struct xls *x)
{
	int rc = 0;

	while (!rc && !x->ended) {
		if (!x->pending)
			rc = decode_biff_next(&x->biff, x->err);
		else
			rc = 1;
		x->pending = false;
		if (rc < 0)
			return rc;
		if (!rc)
			return decode_biff_damaged(x->err);
		rc = take_record(x);
	}
	return rc;
}

/* ---- the reader ---------------------------------------------------------- */

static int
start(void *ctx, int way, struct error *err)
{
	struct xls *x = ctx;

	(void)err;
	x->of = &x->sheets.list[way];
	x->gap = (struct decode_gap){0};
	x->header = x->line = 0;
	x->ready = x->pending = x->ended = x->awaits = false;
	x->row.least = 0;
	decode_sheet_row_begin(&x->row);
	decode_biff_seek(&x->biff, x->places[x->of->place]);
	return take_begin(x);
}

static int
next(void *ctx, struct decode_record *ret, struct error *err)
{
	struct xls *x = ctx;

	(void)err;
	if (!x->ready) {
		int rc = read_row(x);

		if (rc <= 0)
			return rc ? rc : DECODE_TABLE_END;
		x->ready = true;
		x->gap.next = x->line;
	}
	if (decode_gap_take(&x->gap, &x->row, ret))
		return DECODE_RECORD;
	x->ready = false;
	x->gap.line = x->line;
	decode_sheet_row_record(&x->row, x->line, ret);
	/* its cells hold until the next call; then it begins anew */
	x->row.n = 0;
	x->row.nflaws = 0;
	x->line = 0;
	return DECODE_RECORD;
}

static void
widen(void *ctx, size_t ncells)
{
	struct xls *x = ctx;

	x->row.least = ncells;
	x->header = x->gap.line;
}

static void
release(struct xls *x)
{
	decode_sheets_release(&x->sheets);
	decode_strings_release(&x->strings);
	free(x->places);
	free(x->formats);
	free(x->styles);
	buf_release(&x->text);
	buf_release(&x->row.text);
	free(x);
}

/* An OLE container may hold anything of Office. */
static int
open_stream(struct xls *x, const struct decode_bytes *bytes)
{
	static const char *const books[] = {"Workbook", "Book"};
	static const char *const locked[] = {"EncryptedPackage",
					     "EncryptionInfo"};
	struct decode_bytes ignored;
	int which;
	int rc =
		decode_ole_stream(x->job, bytes, books, &which, &x->biff.bytes);

	if (rc || which >= 0)
		return rc;
	rc = decode_ole_stream(x->job, bytes, locked, &which, &ignored);
	if (rc)
		return rc;
	if (which >= 0)
		return refuse_password(x);
	return sentence_error(x->err, ERR_INVALID, MSG_XLS_NO_BOOK, "");
}

int
decode_xls(struct decode_job *job, const struct decode_bytes *bytes)
{
	struct xls *x = calloc(1, sizeof(*x));
	struct decode_reader reader = {
		.ctx = x,
		.start = start,
		.next = next,
		.format = decode_format_names[DECODE_FORMAT_XLS],
		.widen = widen,
	};
	int rc;

	if (!x)
		return error_nomem(job->err);
	x->job = job;
	x->err = job->err;
	rc = open_stream(x, bytes);
	if (!rc)
		rc = decode_strings_init(&x->strings, &job->room, job->err);
	if (!rc)
		rc = read_globals(x);
	if (!rc)
		rc = decode_sheets_choose(job, &x->sheets);
	reader.ways = (int)x->sheets.n;
	if (!rc)
		rc = decode_job_table(job, &reader);
	release(x);
	return rc;
}
