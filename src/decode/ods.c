/*
 * An ODS: one part holds all sheets, so it is read once for their names and
 * again for the rows of one. Rows and cells that repeat are told as often as
 * they hold something. See workbook.h; names as in ODF 1.2.
 */
#include "decode/format.h"
#include "decode/workbook.h"

#include "base/scope.h"
#include "base/sentence.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1048576 /* of a sheet, as spreadsheets have it */

enum type { NONE, NUMBER, DATE, TIME, BOOLEAN, TEXT, ERROR };

struct ods {
	struct decode_job *job;
	const struct decode_bytes *bytes;
	const struct decode_members *members;
	const struct decode_member *content;
	struct decode_sheets sheets;
	struct decode_xml *xml;
	bool encrypted;

	/* while the names are read */
	struct buf hidden; /* names of styles of hidden sheets, ended by NUL */
	struct buf style;  /* the one that is being read */
	bool spreadsheet;

	/* while one sheet is */
	int wanted; /* its place */
	int place;  /* of the sheet that is being read */
	int depth;  /* of tables */
	bool ended;
	struct decode_gap gap;
	int64_t header; /* line of it; 0 not known yet */
	int64_t line;	/* the last of the row */
	int64_t again;	/* how often the row is still to be told */
	int64_t rows;	/* that the row stands for */
	struct decode_sheet_row row;

	/* a cell */
	size_t column;	/* the next */
	size_t columns; /* that the cell stands for */
	enum type type;
	bool formula;
	struct buf value; /* an attribute's */
	struct buf text;
	int paragraphs;
	int inside; /* depth in paragraphs */
	int aside;  /* depth in notes */
};

static void
no_memory(struct ods *o)
{
	decode_xml_stop(o->xml, ERR_NOMEM, "out of memory");
}

/* A count of repetitions: at least one, and no more than 'most' and one. */
static int64_t
count_of(const char *text, int64_t most)
{
	int64_t n = text ? strtoll(text, NULL, 10) : 1;

	return n < 1 ? 1 : n > most ? most + 1 : n;
}

/* ---- the names ----------------------------------------------------------- */

static bool
is_hidden(const struct ods *o, const char *style)
{
	for (size_t at = 0; style && at < o->hidden.len;
	     at += strlen(o->hidden.data + at) + 1) {
		if (!strcmp(o->hidden.data + at, style))
			return true;
	}
	return false;
}

static void
add_table(struct ods *o, const char **attributes)
{
	const char *name = decode_xml_attribute(attributes, "name");
	const char *style = decode_xml_attribute(attributes, "style-name");
	struct decode_sheet *sheet;

	if (o->depth++)
		return;
	if (decode_sheets_add(&o->sheets, name ? name : "", &sheet))
		no_memory(o);
	else
		sheet->hidden = is_hidden(o, style);
}

static void
on_outline(void *ctx, const char *name, const char **attributes)
{
	struct ods *o = ctx;
	const char *value;

	if (!strcmp(name, "spreadsheet")) {
		o->spreadsheet = true;
	} else if (!strcmp(name, "style")) {
		value = decode_xml_attribute(attributes, "name");
		buf_clear(&o->style);
		if (value && buf_add(&o->style, value, strlen(value) + 1))
			no_memory(o);
	} else if (!strcmp(name, "table-properties")) {
		value = decode_xml_attribute(attributes, "display");
		if (value && !strcmp(value, "false") &&
		    buf_addslice(&o->hidden, buf_slice(&o->style)))
			no_memory(o);
	} else if (!strcmp(name, "table")) {
		add_table(o, attributes);
	}
}

static void
on_outline_end(void *ctx, const char *name)
{
	struct ods *o = ctx;

	if (!strcmp(name, "table"))
		o->depth--;
}

static void
on_manifest(void *ctx, const char *name, const char **attributes)
{
	struct ods *o = ctx;

	(void)attributes;
	o->encrypted |= !strcmp(name, "encryption-data");
}

static void
on_nothing(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
}

static int
read_names(struct ods *o)
{
	static const struct decode_xml_handlers manifest = {on_manifest,
							    on_nothing, NULL};
	static const struct decode_xml_handlers outline = {
		on_outline, on_outline_end, NULL};
	const struct decode_member *part =
		decode_members_find(o->members, "META-INF/manifest.xml");
	int rc = 0;

	if (part)
		rc = decode_xml_read(o->bytes, o->members, part, &manifest, o,
				     &o->xml, o->job->err);
	if (!rc && o->encrypted)
		return sentence_error(o->job->err, ERR_INVALID,
				      MSG_BOOK_PASSWORD, "");
	if (!rc)
		rc = decode_xml_read(o->bytes, o->members, o->content, &outline,
				     o, &o->xml, o->job->err);
	if (!rc && !o->spreadsheet)
		return sentence_error(o->job->err, ERR_INVALID, MSG_ODS_NO_BOOK,
				      "");
	return rc ? rc : decode_sheets_choose(o->job, &o->sheets);
}

/* ---- cells --------------------------------------------------------------- */

static void
fail_at(struct ods *o, enum sentence what)
{
	char column[DECODE_COLUMN_SIZE];

	decode_sheet_column(o->column, column);
	decode_xml_fail(o->xml, MSG_CELL_AT, "%s%lld" AND A_SENTENCE, column,
			(long long)o->line, what);
}

static enum type
type_of(const char *word)
{
	static const struct {
		const char *word;
		enum type type;
	} types[] = {
		{"float", NUMBER}, {"percentage", NUMBER}, {"currency", NUMBER},
		{"date", DATE},	   {"time", TIME},	   {"boolean", BOOLEAN},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(word, types[i].word))
			return types[i].type;
	}
	return TEXT;
}

static void
check_merged(struct ods *o, const char *rows)
{
	char column[DECODE_COLUMN_SIZE];

	if (count_of(rows, ROWS_MAX) < 2 || !o->header || o->line <= o->header)
		return;
	decode_sheet_column(o->column, column);
	decode_xml_fail(o->xml, MSG_ODS_MERGED, "%s%lld", column,
			(long long)o->line);
}

/* Attributes of which the names are told from others by their prefix. */
static void
begin_cell(struct ods *o, const char **attributes)
{
	o->type = NONE;
	o->formula = false;
	o->columns = 1;
	o->paragraphs = 0;
	buf_clear(&o->value);
	buf_clear(&o->text);
	for (; *attributes; attributes += 2) {
		const char *colon = strchr(attributes[0], ':');
		const char *name = colon ? colon + 1 : attributes[0];
		const char *value = attributes[1];
		bool office = !strncmp(attributes[0], "office:", 7);

		if (!strcmp(name, "number-columns-repeated")) {
			o->columns = (size_t)count_of(value, ROWS_MAX);
		} else if (!strcmp(name, "number-rows-spanned")) {
			check_merged(o, value);
		} else if (!strcmp(name, "formula")) {
			o->formula = true;
		} else if (!strcmp(name, "value-type")) {
			if (!office && !strcmp(value, "error"))
				o->type = ERROR;
			else if (office && o->type != ERROR)
				o->type = type_of(value);
		} else if (office &&
			   (!strcmp(name, "value") || strstr(name, "-value"))) {
			buf_clear(&o->value);
			if (buf_adds(&o->value, value))
				no_memory(o);
		}
	}
}

/* PT09H30M00S; what is none stays as it stands. */
static int
add_time(struct slice s, struct buf *out)
{
	unsigned long h = 0, m = 0;
	double seconds = 0;
	char text[64], *p = text;

	if (s.n < 3 || s.n >= sizeof(text) || memcmp(s.p, "PT", 2) != 0)
		return buf_addslice(out, s);
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	for (p += 2; *p;) {
		char *end;
		double n = strtod(p, &end);

		if (end == p || n < 0 || n > 1e6)
			return buf_addslice(out, s);
		if (*end == 'H')
			h = (unsigned long)n;
		else if (*end == 'M')
			m = (unsigned long)n;
		else if (*end == 'S')
			seconds = n;
		else
			return buf_addslice(out, s);
		p = end + 1;
	}
	return buf_addf(out, "%02lu:%02lu:%02.0f", h, m, seconds);
}

static int
add_value(struct ods *o, enum decode_flaw_kind *ret_flaw)
{
	struct slice value = buf_slice(&o->value), text = buf_slice(&o->text);
	struct buf *out = &o->row.text;
	const char *t;

	*ret_flaw = 0;
	switch (o->type) {
	case NONE:
		if (o->formula && !text.n)
			*ret_flaw = DECODE_FLAW_NO_VALUE;
		break;
	case NUMBER:
		return decode_sheet_number(value, DECODE_STYLE_NUMBER, false,
					   out, ret_flaw);
	case DATE:
		value = decode_sheet_moment(value);
		t = value.n ? memchr(value.p, 'T', value.n) : NULL;
		if (t && value.n - (size_t)(t - value.p) == 9 &&
		    !memcmp(t, "T00:00:00", 9))
			*ret_flaw = DECODE_FLAW_MIDNIGHT;
		return buf_addslice(out, value);
	case TIME:
		return add_time(value, out);
	case BOOLEAN:
		return buf_addslice(out, value);
	case ERROR:
		*ret_flaw = DECODE_FLAW_ERROR;
		break;
	case TEXT:
		/* what is shown, unless only the value is there */
		return buf_addslice(out, o->paragraphs ? text : value);
	}
	return buf_addslice(out, text);
}

static void
end_cell(struct ods *o)
{
	for (size_t i = 0; i < o->columns; i++) {
		size_t before = o->row.n;
		enum decode_flaw_kind flaw;

		if (add_value(o, &flaw)) {
			no_memory(o);
			return;
		}
		if (o->row.text.len > DECODE_MAX_RECORD) {
			fail_at(o, MSG_CELL_ROW_LONG);
			return;
		}
		if (!decode_sheet_row_end_cell(&o->row, o->column, flaw)) {
			fail_at(o, MSG_CELL_BEYOND);
			return;
		}
		if (o->row.n == before) { /* blank: so are its repetitions */
			o->column += o->columns - i;
			return;
		}
		o->column++;
	}
}

/* ---- texts in cells ------------------------------------------------------ */

static void
add_text(struct ods *o, const char *p, size_t n)
{
	if (o->text.len + n > DECODE_MAX_CELL)
		fail_at(o, MSG_CELL_LONG);
	else if (buf_add(&o->text, p, n))
		no_memory(o);
}

static void
begin_text(struct ods *o, const char *name, const char **attributes)
{
	if (!strcmp(name, "p") && !o->inside++) {
		if (o->paragraphs++)
			add_text(o, "\n", 1);
	} else if (!o->inside) {
		return;
	} else if (!strcmp(name, "s")) {
		int64_t n = count_of(decode_xml_attribute(attributes, "c"),
				     DECODE_MAX_CELL);

		for (; n > 0 && o->text.len < DECODE_MAX_CELL; n--)
			add_text(o, " ", 1);
	} else if (!strcmp(name, "tab")) {
		add_text(o, "\t", 1);
	} else if (!strcmp(name, "line-break")) {
		add_text(o, "\n", 1);
	}
}

/* ---- rows ---------------------------------------------------------------- */

static void
begin_row(struct ods *o, const char **attributes)
{
	o->rows = count_of(
		decode_xml_attribute(attributes, "number-rows-repeated"),
		ROWS_MAX);
	o->line++;
	o->column = 0;
	decode_sheet_row_begin(&o->row);
}

static void
end_row(struct ods *o)
{
	if (!o->row.n) {
		o->line += o->rows - 1;
		return;
	}
	if (o->line + o->rows > ROWS_MAX) {
		decode_xml_fail(o->xml, MSG_ODS_ROWS, "%d", ROWS_MAX);
		return;
	}
	o->gap.next = o->line;
	o->again = o->rows;
	decode_xml_pause(o->xml);
}

/* ---- the handlers -------------------------------------------------------- */

static bool
is_cell(const char *name)
{
	return !strcmp(name, "table-cell") ||
	       !strcmp(name, "covered-table-cell");
}

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	struct ods *o = ctx;

	if (!strcmp(name, "table")) {
		o->place += !o->depth;
		if (o->depth++ && o->place == o->wanted)
			fail_at(o, MSG_CELL_TABLE);
		return;
	}
	if (o->place != o->wanted || !o->depth)
		return;
	if (!strcmp(name, "annotation") || o->aside)
		o->aside++;
	else if (!strcmp(name, "table-row"))
		begin_row(o, attributes);
	else if (is_cell(name))
		begin_cell(o, attributes);
	else
		begin_text(o, name, attributes);
}

static void
on_end(void *ctx, const char *name)
{
	struct ods *o = ctx;

	if (!strcmp(name, "table")) {
		o->depth--;
		o->ended = !o->depth && o->place == o->wanted;
		if (o->ended)
			decode_xml_pause(o->xml);
		return;
	}
	if (o->place != o->wanted || !o->depth)
		return;
	if (o->aside)
		o->aside--;
	else if (!strcmp(name, "table-row"))
		end_row(o);
	else if (is_cell(name))
		end_cell(o);
	else if (o->inside && !strcmp(name, "p"))
		o->inside--;
}

static void
on_text(void *ctx, const char *p, size_t n)
{
	struct ods *o = ctx;

	if (o->inside && !o->aside)
		add_text(o, p, n);
}

/* ---- the reader ---------------------------------------------------------- */

static int
start(void *ctx, int way, struct error *err)
{
	static const struct decode_xml_handlers handlers = {on_start, on_end,
							    on_text};
	struct ods *o = ctx;

	decode_xml_close(o->xml);
	o->xml = NULL;
	o->wanted = o->sheets.list[way].place;
	o->place = -1;
	o->depth = o->inside = o->aside = 0;
	o->ended = false;
	o->gap = (struct decode_gap){0};
	o->header = o->line = o->again = 0;
	o->row.least = 0;
	return decode_xml_open(o->bytes, o->members, o->content, &handlers, o,
			       &o->xml, err);
}

static int
next(void *ctx, struct decode_record *ret, struct error *err)
{
	struct ods *o = ctx;

	if (!o->again) {
		int rc = o->ended ? 0 : decode_xml_run(o->xml, err);

		if (rc < 0)
			return rc;
		if (!o->again)
			return DECODE_TABLE_END;
	}
	if (decode_gap_take(&o->gap, &o->row, ret))
		return DECODE_RECORD;
	o->gap.line = o->gap.next++;
	if (--o->again)
		o->line++;
	decode_sheet_row_record(&o->row, o->gap.line, ret);
	return DECODE_RECORD;
}

static void
widen(void *ctx, size_t ncells)
{
	struct ods *o = ctx;

	o->row.least = ncells;
	o->header = o->gap.line;
}

static void
release(struct ods *o)
{
	decode_xml_close(o->xml);
	decode_sheets_release(&o->sheets);
	buf_release(&o->hidden);
	buf_release(&o->style);
	buf_release(&o->value);
	buf_release(&o->text);
	buf_release(&o->row.text);
	free(o);
}

int
decode_ods(struct decode_job *job, const struct decode_bytes *bytes,
	   const struct decode_members *members)
{
	struct ods *o = calloc(1, sizeof(*o));
	struct decode_reader reader = {
		.ctx = o,
		.start = start,
		.next = next,
		.format = decode_format_names[DECODE_FORMAT_ODS],
		.widen = widen,
	};
	int rc;

	if (!o)
		return error_nomem(job->err);
	o->job = job;
	o->bytes = bytes;
	o->members = members;
	o->content = decode_members_find(members, "content.xml");
	rc = read_names(o);
	reader.ways = (int)o->sheets.n;
	if (!rc)
		rc = decode_job_table(job, &reader);
	release(o);
	return rc;
}
