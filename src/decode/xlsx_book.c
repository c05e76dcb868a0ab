/*
 * The parts of an XLSX: which is the workbook, its sheets, its strings and its
 * styles, by the relationships between them, as ISO/IEC 29500 has them.
 */
#include "decode/xlsx.h"

#include "base/scope.h"
#include "base/sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH 1024
#define STYLES_MAX 65536 /* as spreadsheets have it */

struct relation {
	char *id, *type, *path;
};

struct relations {
	struct decode_xlsx *x;
	char base[PATH]; /* folder of the part they belong to, with '/' */
	struct relation *list;
	size_t n;
};

static void
relations_release(struct relations *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->list[i].id);
		free(r->list[i].type);
		free(r->list[i].path);
	}
	free(r->list);
}
#define scope_relations \
	__attribute__((cleanup(relations_release))) struct relations

/* ---- relationships ------------------------------------------------------- */

/* The name of a part from what names it: from the top, or from the folder. */
static char *
resolve(const char *base, const char *target)
{
	char path[2 * PATH];
	char *up;

	if (*target == '/')
		snprintf(path, sizeof(path), "%s", target + 1);
	else
		snprintf(path, sizeof(path), "%s%s", base, target);
	while ((up = strstr(path, "../"))) {
		char *from = up;

		if (from > path)
			from--;
		while (from > path && from[-1] != '/')
			from--;
		memmove(from, up + 3, strlen(up + 3) + 1);
	}
	return strdup(path);
}

static const char *
last_word(const char *type)
{
	const char *slash = strrchr(type, '/');

	return slash ? slash + 1 : type;
}

static void
on_relation(void *ctx, const char *name, const char **attributes)
{
	struct relations *r = ctx;
	const char *id = decode_xml_attribute(attributes, "Id");
	const char *type = decode_xml_attribute(attributes, "Type");
	const char *target = decode_xml_attribute(attributes, "Target");
	const char *mode = decode_xml_attribute(attributes, "TargetMode");
	struct relation *more;

	if (strcmp(name, "Relationship") != 0 || !id || !type || !target ||
	    (mode && !strcmp(mode, "External")))
		return;
	more = reallocarray(r->list, r->n + 1, sizeof(*more));
	if (!more) {
		decode_xml_stop(r->x->xml, ERR_NOMEM, "out of memory");
		return;
	}
	r->list = more;
	more[r->n] = (struct relation){strdup(id), strdup(last_word(type)),
				       resolve(r->base, target)};
	r->n++;
	if (!more[r->n - 1].id || !more[r->n - 1].type || !more[r->n - 1].path)
		decode_xml_stop(r->x->xml, ERR_NOMEM, "out of memory");
}

static void
on_nothing(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
}

/* Of the part 'of', or of the whole (""). A part may have none. */
static int
read_relations(struct decode_xlsx *x, const char *of, struct relations *ret)
{
	static const struct decode_xml_handlers handlers = {on_relation,
							    on_nothing, NULL};
	const char *base = strrchr(of, '/');
	size_t n = base ? (size_t)(base + 1 - of) : 0;
	const struct decode_member *part;
	char path[2 * PATH];

	ret->x = x;
	snprintf(ret->base, sizeof(ret->base), "%.*s", (int)n, of);
	snprintf(path, sizeof(path), "%s_rels/%s.rels", ret->base, of + n);
	part = decode_members_find(x->members, path);
	if (!part)
		return 0;
	return decode_xml_read(x->bytes, x->members, part, &handlers, ret,
			       &x->xml, x->job->err);
}

static const struct decode_member *
find_type(const struct relations *r, const char *type)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!strcmp(r->list[i].type, type))
			return decode_members_find(r->x->members,
						   r->list[i].path);
	}
	return NULL;
}

/* ---- the workbook -------------------------------------------------------- */

struct book {
	struct decode_xlsx *x;
	const struct relations *relations;
	bool sheets; /* inside of the list */
};

static bool
is_true(const char *value)
{
	return value && (!strcmp(value, "1") || !strcmp(value, "true"));
}

/* r:id, told from sheetId by its prefix. */
static const char *
relation_of(const char **attributes)
{
	for (; *attributes; attributes += 2) {
		const char *colon = strchr(attributes[0], ':');

		if (colon && !strcmp(colon, ":id"))
			return attributes[1];
	}
	return NULL;
}

static void
add_sheet(const struct book *book, const char **attributes)
{
	const char *name = decode_xml_attribute(attributes, "name");
	const char *state = decode_xml_attribute(attributes, "state");
	const char *id = relation_of(attributes);
	const struct relations *r = book->relations;
	struct decode_sheet *sheet;

	for (size_t i = 0; id && name && i < r->n; i++) {
		/* a sheet that is nothing but a chart has no rows */
		if (strcmp(r->list[i].id, id) != 0 ||
		    strcmp(r->list[i].type, "worksheet") != 0)
			continue;
		if (decode_sheets_add(&book->x->sheets, name, &sheet)) {
			decode_xml_stop(book->x->xml, ERR_NOMEM,
					"out of memory");
			return;
		}
		sheet->hidden = state && strcmp(state, "visible") != 0;
		sheet->part =
			decode_members_find(book->x->members, r->list[i].path);
		if (!sheet->part)
			decode_xml_fail(book->x->xml, MSG_BOOK_SHEET_MISSING,
					"%.100s", name);
		return;
	}
}

static void
on_book(void *ctx, const char *name, const char **attributes)
{
	struct book *book = ctx;

	if (!strcmp(name, "workbookPr"))
		book->x->from_1904 =
			is_true(decode_xml_attribute(attributes, "date1904"));
	else if (!strcmp(name, "sheets"))
		book->sheets = true;
	else if (book->sheets && !strcmp(name, "sheet"))
		add_sheet(book, attributes);
}

static void
on_book_end(void *ctx, const char *name)
{
	struct book *book = ctx;

	if (!strcmp(name, "sheets"))
		book->sheets = false;
}

static int
read_book(struct decode_xlsx *x)
{
	static const struct decode_xml_handlers handlers = {on_book,
							    on_book_end, NULL};
	scope_relations top = {0};
	scope_relations of_book = {0};
	struct book book = {.x = x, .relations = &of_book};
	int rc = read_relations(x, "", &top);

	if (rc)
		return rc;
	x->book = find_type(&top, "officeDocument");
	if (!x->book)
		x->book = decode_members_find(x->members, "xl/workbook.xml");
	if (!x->book)
		return sentence_error(x->job->err, ERR_INVALID,
				      MSG_BOOK_NO_BOOK, "");
	rc = read_relations(x, x->book->name, &of_book);
	if (rc)
		return rc;
	x->strings_part = find_type(&of_book, "sharedStrings");
	x->styles_part = find_type(&of_book, "styles");
	return decode_xml_read(x->bytes, x->members, x->book, &handlers, &book,
			       &x->xml, x->job->err);
}

/* ---- styles -------------------------------------------------------------- */

struct styles {
	struct decode_xlsx *x;
	bool cells; /* inside of the formats of cells */
	struct format {
		unsigned int id;
		unsigned char style;
	} * formats; /* that are no built-in ones */
	size_t n;
};

static unsigned int
number_of(const char *text)
{
	return text ? (unsigned int)strtoul(text, NULL, 10) : 0;
}

static int
add_format(struct styles *s, const char **attributes)
{
	const char *code = decode_xml_attribute(attributes, "formatCode");
	struct format *more;

	if (!code || s->n == STYLES_MAX)
		return 0;
	more = reallocarray(s->formats, s->n + 1, sizeof(*more));
	if (!more)
		return ERR_NOMEM;
	s->formats = more;
	more[s->n++] = (struct format){
		number_of(decode_xml_attribute(attributes, "numFmtId")),
		decode_style_parse(code)};
	return 0;
}

static unsigned char
style_of(const struct styles *s, unsigned int id)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->formats[i].id == id)
			return s->formats[i].style;
	}
	return decode_style_builtin(id);
}

static int
add_style(struct styles *s, const char **attributes)
{
	struct decode_xlsx *x = s->x;
	unsigned char *more;

	if (x->nstyles == STYLES_MAX)
		return 0;
	more = realloc(x->styles, x->nstyles + 1);
	if (!more)
		return ERR_NOMEM;
	x->styles = more;
	more[x->nstyles++] = style_of(
		s, number_of(decode_xml_attribute(attributes, "numFmtId")));
	return 0;
}

static void
on_style(void *ctx, const char *name, const char **attributes)
{
	struct styles *s = ctx;
	int rc = 0;

	if (!strcmp(name, "numFmt"))
		rc = add_format(s, attributes);
	else if (!strcmp(name, "cellXfs"))
		s->cells = true;
	else if (s->cells && !strcmp(name, "xf"))
		rc = add_style(s, attributes);
	if (rc)
		decode_xml_stop(s->x->xml, rc, "out of memory");
}

static void
on_style_end(void *ctx, const char *name)
{
	struct styles *s = ctx;

	if (!strcmp(name, "cellXfs"))
		s->cells = false;
}

static int
read_styles(struct decode_xlsx *x)
{
	static const struct decode_xml_handlers handlers = {on_style,
							    on_style_end, NULL};
	struct styles s = {.x = x};
	int rc;

	if (!x->styles_part)
		return 0;
	rc = decode_xml_read(x->bytes, x->members, x->styles_part, &handlers,
			     &s, &x->xml, x->job->err);
	free(s.formats);
	return rc;
}

int
decode_xlsx_book(struct decode_xlsx *x)
{
	int rc = read_book(x);

	return rc ? rc : read_styles(x);
}
