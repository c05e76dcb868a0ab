/*
 * A sheet of an XLSX as a reader: rows come from expat one at a time, each
 * cell as the text that it means. See workbook.h.
 */
#include "decode/xlsx.h"

#include "base/sentence.h"
#include "decode/format.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1048576 /* of a sheet, as spreadsheets have it */

/* Types of cells, by their first letters. */
enum kind { NUMBER, SHARED, TEXT, INLINE, BOOLEAN, ERROR, DATE };

struct sheet {
	struct decode_xlsx x;
	const struct decode_sheet *of;
	struct decode_gap gap;
	int64_t header; /* line of it; 0 not known yet */
	bool ready;	/* a row waits */

	/* the cell that is being read */
	int64_t line;
	size_t column;
	enum kind kind;
	unsigned char style;
	bool formula;
	bool value;  /* <v> was there and not empty, or <t> */
	bool inside; /* of <v> or <t> */
	int aside;   /* depth in <rPh> */
	struct buf text;

	struct decode_sheet_row row;
};

/* ---- cells --------------------------------------------------------------- */

static void
fail_at(struct sheet *s, enum sentence what)
{
	char column[DECODE_COLUMN_SIZE];

	decode_sheet_column(s->column, column);
	decode_xml_fail(s->x.xml, MSG_CELL_OF_SHEET,
			"%s%lld" AND "%.100s" AND A_SENTENCE, column,
			(long long)s->line, s->of->name, what);
}

static void
no_memory(struct sheet *s)
{
	decode_xml_stop(s->x.xml, ERR_NOMEM, "out of memory");
}

static enum kind
kind_of(const char *t)
{
	static const struct {
		const char *word;
		enum kind kind;
	} kinds[] = {
		{"s", SHARED},	{"str", TEXT}, {"inlineStr", INLINE},
		{"b", BOOLEAN}, {"e", ERROR},  {"d", DATE},
	};

	for (size_t i = 0; t && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(t, kinds[i].word))
			return kinds[i].kind;
	}
	return NUMBER;
}

/* B7: the column from 0; the row is known. */
static bool
column_of(const char *reference, size_t *ret)
{
	size_t column = 0;

	for (; *reference >= 'A' && *reference <= 'Z'; reference++) {
		column = 26 * column + (size_t)(*reference - 'A') + 1;
		if (column > 16384)
			return false;
	}
	*ret = column - 1;
	return column > 0;
}

static void
begin_cell(struct sheet *s, const char **attributes)
{
	const char *type = NULL, *reference = NULL, *style = NULL;

	for (; *attributes; attributes += 2) {
		const char *name = attributes[0];

		if (name[0] && name[1])
			continue;
		if (*name == 'r')
			reference = attributes[1];
		else if (*name == 't')
			type = attributes[1];
		else if (*name == 's')
			style = attributes[1];
	}
	s->kind = kind_of(type);
	s->style = DECODE_STYLE_NUMBER;
	if (style) {
		unsigned long n = strtoul(style, NULL, 10);

		if (n < s->x.nstyles)
			s->style = s->x.styles[n];
	}
	s->formula = s->value = false;
	buf_clear(&s->text);
	/* without a reference it follows the one before */
	s->column++;
	if (reference && !column_of(reference, &s->column))
		fail_at(s, MSG_CELL_PLACE);
}

/* A date as text, with a time that may be nothing but zeros. */
static int
add_date(struct sheet *s, struct slice text, enum decode_flaw_kind *ret_flaw)
{
	const char *t;
	size_t day, i;

	text = decode_sheet_moment(text);
	t = text.n ? memchr(text.p, 'T', text.n) : NULL;
	day = t ? (size_t)(t - text.p) : text.n;
	i = day + 1;
	while (i < text.n && strchr("0:", text.p[i]))
		i++;
	if (t && i == text.n) {
		if (s->style != DECODE_STYLE_DATETIME)
			text.n = day;
		else
			*ret_flaw = DECODE_FLAW_MIDNIGHT;
	}
	return buf_addslice(&s->row.text, text);
}

static int
add_shared(struct sheet *s)
{
	struct slice text = buf_slice(&s->text);
	int64_t number = 0;
	int rc;

	for (size_t i = 0; i < text.n && number >= 0; i++) {
		bool digit = text.p[i] >= '0' && text.p[i] <= '9';

		number = digit && number < INT32_MAX
				 ? 10 * number + (text.p[i] - '0')
				 : -1;
	}
	rc = decode_strings_get(&s->x.strings, text.n ? number : -1, &text,
				s->x.job->err);
	if (rc == 0)
		fail_at(s, MSG_CELL_NO_TEXT);
	else if (rc < 0)
		decode_xml_stop(s->x.xml, rc, s->x.job->err->text);
	else
		return buf_addslice(&s->row.text, text);
	return 0;
}

static int
add_value(struct sheet *s, enum decode_flaw_kind *ret_flaw)
{
	struct slice text = buf_slice(&s->text);
	struct buf *out = &s->row.text;

	*ret_flaw = 0;
	if (!s->value && s->formula && s->kind != TEXT) {
		*ret_flaw = DECODE_FLAW_NO_VALUE;
		return 0;
	}
	if (!s->value)
		return 0;
	switch (s->kind) {
	case SHARED:
		return add_shared(s);
	case BOOLEAN:
		return buf_addslice(out, slice_eq(text, SLICE("1"))
						 ? SLICE("true")
						 : SLICE("false"));
	case ERROR:
		*ret_flaw = DECODE_FLAW_ERROR;
		return buf_addslice(out, text);
	case DATE:
		return add_date(s, text, ret_flaw);
	case TEXT:
	case INLINE:
		decode_xlsx_unescape(&s->text, 0);
		return buf_addslice(out, buf_slice(&s->text));
	case NUMBER:
		break;
	}
	return decode_sheet_number(text, s->style, s->x.from_1904, out,
				   ret_flaw);
}

static void
end_cell(struct sheet *s)
{
	enum decode_flaw_kind flaw;

	if (add_value(s, &flaw))
		no_memory(s);
	else if (s->row.text.len > DECODE_MAX_RECORD)
		fail_at(s, MSG_CELL_ROW_LONG);
	else if (!decode_sheet_row_end_cell(&s->row, s->column, flaw))
		fail_at(s, s->column >= DECODE_MAX_CELLS ? MSG_CELL_BEYOND
							 : MSG_CELL_TWICE);
}

/* ---- rows ---------------------------------------------------------------- */

static void
begin_row(struct sheet *s, const char **attributes)
{
	const char *r = decode_xml_attribute(attributes, "r");
	int64_t line = r ? strtoll(r, NULL, 10) : s->line + 1;

	decode_sheet_row_begin(&s->row);
	s->column = (size_t)-1;
	if (line <= s->line || line > ROWS_MAX)
		decode_xml_fail(s->x.xml, MSG_XLSX_ROW_ORDER,
				"%lld" AND "%.100s" AND "%lld", (long long)line,
				s->of->name, (long long)s->line);
	s->line = line;
}

static void
end_row(struct sheet *s)
{
	if (!s->row.n)
		return;
	s->gap.next = s->line;
	s->ready = true;
	decode_xml_pause(s->x.xml);
}

/* B5:B9 leaves all but the first of its cells empty. Above the rows of the
 * table, and beside each other, people merge as they like. */
static void
check_merged(struct sheet *s, const char **attributes)
{
	const char *ref = decode_xml_attribute(attributes, "ref");
	const char *to = ref ? strchr(ref, ':') : NULL;
	int64_t first, last;

	if (!to)
		return;
	first = strtoll(ref + strspn(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZ$"), NULL,
			10);
	to++;
	last = strtoll(to + strspn(to, "ABCDEFGHIJKLMNOPQRSTUVWXYZ$"), NULL,
		       10);
	if (s->header && first > s->header && last > first &&
	    first <= s->gap.line)
		decode_xml_fail(s->x.xml, MSG_XLSX_MERGED, "%.40s" AND "%.100s",
				ref, s->of->name);
}

/* ---- the handlers: most of a file's time is spent here ------------------- */

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	struct sheet *s = ctx;

	switch (*name) {
	case 'c':
		if (!name[1])
			begin_cell(s, attributes);
		break;
	case 'v':
	case 't':
		s->inside = !name[1];
		break;
	case 'f':
		s->formula |= !name[1];
		break;
	case 'r':
		if (!strcmp(name, "row"))
			begin_row(s, attributes);
		else if (!strcmp(name, "rPh"))
			s->aside++;
		break;
	case 'm':
		if (!strcmp(name, "mergeCell"))
			check_merged(s, attributes);
		break;
	default:
		break;
	}
}

static void
on_end(void *ctx, const char *name)
{
	struct sheet *s = ctx;

	switch (*name) {
	case 'c':
		if (!name[1])
			end_cell(s);
		break;
	case 'v':
	case 't':
		s->inside = false;
		break;
	case 'r':
		if (!strcmp(name, "row"))
			end_row(s);
		else if (!strcmp(name, "rPh"))
			s->aside--;
		break;
	default:
		break;
	}
}

static void
on_text(void *ctx, const char *p, size_t n)
{
	struct sheet *s = ctx;

	if (!s->inside || s->aside)
		return;
	s->value = true;
	if (s->text.len + n > DECODE_MAX_CELL)
		fail_at(s, MSG_CELL_LONG);
	else if (buf_add(&s->text, p, n))
		no_memory(s);
}

/* ---- the reader ---------------------------------------------------------- */

static int
start(void *ctx, int way, struct error *err)
{
	static const struct decode_xml_handlers handlers = {on_start, on_end,
							    on_text};
	struct sheet *s = ctx;

	decode_xml_close(s->x.xml);
	s->x.xml = NULL;
	s->of = &s->x.sheets.list[way];
	s->gap = (struct decode_gap){0};
	s->header = s->line = 0;
	s->ready = s->inside = false;
	s->aside = 0;
	s->row.least = 0;
	return decode_xml_open(s->x.bytes, s->x.members, s->of->part, &handlers,
			       s, &s->x.xml, err);
}

static int
next(void *ctx, struct decode_record *ret, struct error *err)
{
	struct sheet *s = ctx;

	if (!s->ready) {
		int rc = decode_xml_run(s->x.xml, err);

		if (rc != 1)
			return rc ? rc : DECODE_TABLE_END;
	}
	if (decode_gap_take(&s->gap, &s->row, ret))
		return DECODE_RECORD;
	s->ready = false;
	s->gap.line = s->line;
	decode_sheet_row_record(&s->row, s->line, ret);
	return DECODE_RECORD;
}

/* The header has been found: what follows are rows of the table. */
static void
widen(void *ctx, size_t ncells)
{
	struct sheet *s = ctx;

	s->row.least = ncells;
	s->header = s->gap.line;
}

static void
release(struct sheet *s)
{
	decode_xml_close(s->x.xml);
	decode_sheets_release(&s->x.sheets);
	decode_strings_release(&s->x.strings);
	free(s->x.styles);
	buf_release(&s->text);
	buf_release(&s->row.text);
	free(s);
}

int
decode_xlsx(struct decode_job *job, const struct decode_bytes *bytes,
	    const struct decode_members *members)
{
	struct sheet *s = calloc(1, sizeof(*s));
	struct decode_reader reader = {
		.ctx = s,
		.start = start,
		.next = next,
		.format = decode_format_names[DECODE_FORMAT_XLSX],
		.widen = widen,
	};
	int rc;

	if (!s)
		return error_nomem(job->err);
	s->x.job = job;
	s->x.bytes = bytes;
	s->x.members = members;
	rc = decode_xlsx_book(&s->x);
	if (!rc)
		rc = decode_sheets_choose(job, &s->x.sheets);
	if (!rc)
		rc = decode_xlsx_strings(&s->x);
	reader.ways = (int)s->x.sheets.n;
	if (!rc)
		rc = decode_job_table(job, &reader);
	release(s);
	return rc;
}
