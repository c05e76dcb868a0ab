/*
 * Headers and rows of the published files (SPEC 15). Here is the hot path of
 * a publish: a row is copied from packed cells straight to the text.
 */
#include "publish/format.h"

#include "base/scope.h"
#include "base/text.h"
#include "integrate/integrate.h"

#define BOM "\xef\xbb\xbf"

/* One CSV line under way. */
struct line {
	struct buf *out;
	size_t from; /* where it begins */
	size_t n;    /* cells so far */
};

static struct line
line_begin(struct buf *out)
{
	return (struct line){out, out->len, 0};
}

static int
line_cell(struct line *l, struct slice cell)
{
	if (l->n++ && buf_addc(l->out, ','))
		return ERR_NOMEM;
	return text_csv_cell(l->out, cell);
}

static int
line_cells(struct line *l, struct slice cells)
{
	struct slice cell;

	while (cells_next(&cells, &cell)) {
		if (line_cell(l, cell))
			return ERR_NOMEM;
	}
	return 0;
}

/* A lone empty cell is quoted, or its line would be a blank one. */
static int
line_end(struct line *l)
{
	if (l->n == 1 && l->out->len == l->from && buf_adds(l->out, "\"\""))
		return ERR_NOMEM;
	return buf_addc(l->out, '\n');
}

static int
add_bom(const struct config_theme *theme, struct buf *out)
{
	return theme->bom ? buf_adds(out, BOM) : 0;
}

static int
fixed_header(const struct config_theme *theme, const char *header,
	     struct buf *out)
{
	if (add_bom(theme, out))
		return ERR_NOMEM;
	return buf_adds(out, header);
}

static int
data_columns(const struct config_theme *theme, struct line *l)
{
	if (line_cell(l, slice_str(theme->subject)))
		return ERR_NOMEM;
	for (size_t i = 0; i < theme->nrules; i++) {
		if (line_cell(l, slice_str(theme->rules[i].name)))
			return ERR_NOMEM;
	}
	return line_end(l);
}

int
publish_format_data_header(const struct config_theme *theme, struct buf *out)
{
	struct line l;

	if (add_bom(theme, out))
		return ERR_NOMEM;
	l = line_begin(out);
	return data_columns(theme, &l);
}

int
publish_format_changes_header(const struct config_theme *theme, struct buf *out)
{
	struct line l;

	if (add_bom(theme, out))
		return ERR_NOMEM;
	l = line_begin(out);
	if (line_cell(&l, SLICE("change")))
		return ERR_NOMEM;
	return data_columns(theme, &l);
}

int
publish_format_conflicts_header(const struct config_theme *theme,
				struct buf *out)
{
	return fixed_header(
		theme,
		"subject,field,winner_source,winner_value,source,value\n", out);
}

int
publish_format_orphans_header(const struct config_theme *theme, struct buf *out)
{
	return fixed_header(theme, "source,subject,key\n", out);
}

/* A field may only be stricter than its resource. */
bool
publish_format_field_shown(const struct config_resource *r,
			   const struct config_field *field)
{
	return field->sharing != CONFIG_NONE && field->sharing == r->sharing &&
	       field->sensitivity != CONFIG_PERSONAL &&
	       field->sensitivity != CONFIG_SECRET;
}

bool
publish_format_source_shown(const struct config_resource *r)
{
	for (size_t i = 0; i < r->nfields; i++) {
		if (publish_format_field_shown(r, &r->fields[i]))
			return true;
	}
	return false;
}

int
publish_format_source_header(const struct config_theme *theme,
			     const struct config_resource *r, struct buf *out)
{
	struct line l;

	if (add_bom(theme, out))
		return ERR_NOMEM;
	l = line_begin(out);
	for (size_t i = 0; i < r->nfields; i++) {
		if (publish_format_field_shown(r, &r->fields[i]) &&
		    line_cell(&l, slice_str(r->fields[i].id)))
			return ERR_NOMEM;
	}
	return line_end(&l);
}

int
publish_format_data_csv(struct slice cells, struct buf *out)
{
	struct line l = line_begin(out);

	if (line_cells(&l, cells))
		return ERR_NOMEM;
	return line_end(&l);
}

int
publish_format_change_csv(const char *change, struct slice cells,
			  struct buf *out)
{
	struct line l = line_begin(out);

	if (line_cell(&l, slice_str(change)) || line_cells(&l, cells))
		return ERR_NOMEM;
	return line_end(&l);
}

int
publish_format_source_csv(const struct config_resource *r, struct slice cells,
			  struct buf *out)
{
	struct line l = line_begin(out);
	struct slice cell;

	for (size_t i = 0; i < r->nfields; i++) {
		if (!cells_next(&cells, &cell))
			cell = SLICE_NONE;
		if (publish_format_field_shown(r, &r->fields[i]) &&
		    line_cell(&l, cell))
			return ERR_NOMEM;
	}
	return line_end(&l);
}

static int
json_value(enum config_type type, struct slice value, struct buf *out)
{
	if (value.n == 0)
		return buf_adds(out, "null");
	switch (type) {
	case CONFIG_INTEGER:
	case CONFIG_NUMBER:
	case CONFIG_BOOLEAN:
		return buf_addslice(out, value); /* canonical is JSON */
	default:
		return text_json_string(out, value);
	}
}

static int
json_member(char before, const char *name, enum config_type type,
	    struct slice value, struct buf *out)
{
	if (buf_addc(out, before) || text_json_string(out, slice_str(name)) ||
	    buf_addc(out, ':'))
		return ERR_NOMEM;
	return json_value(type, value, out);
}

int
publish_format_data_jsonl(const struct config_theme *theme, struct slice cells,
			  struct buf *out)
{
	struct slice cell = SLICE_NONE;

	cells_next(&cells, &cell);
	if (json_member('{', theme->subject, theme->subject_type, cell, out))
		return ERR_NOMEM;
	for (size_t i = 0; i < theme->nrules; i++) {
		if (!cells_next(&cells, &cell))
			cell = SLICE_NONE;
		if (json_member(',', theme->rules[i].name,
				integrate_rule_type(theme, i), cell, out))
			return ERR_NOMEM;
	}
	return buf_adds(out, "}\n");
}

int
publish_format_conflicts_csv(struct slice subject, struct slice conflicts,
			     struct buf *out, int64_t *ret_lines)
{
	struct slice cell;
	int64_t lines = 0;

	while (conflicts.n) {
		struct line l = line_begin(out);

		if (line_cell(&l, subject))
			return ERR_NOMEM;
		while (l.n < 6 && cells_next(&conflicts, &cell)) {
			if (line_cell(&l, cell))
				return ERR_NOMEM;
		}
		if (l.n < 6) { /* damaged: no part of a line */
			out->len = l.from;
			break;
		}
		if (line_end(&l))
			return ERR_NOMEM;
		lines++;
	}
	*ret_lines = lines;
	return 0;
}

int
publish_format_orphan_csv(const char *source, struct slice subject,
			  struct slice key, struct buf *out)
{
	struct line l = line_begin(out);
	scope_buf joined = BUF_INIT;

	if (line_cell(&l, slice_str(source)) || line_cell(&l, subject))
		return ERR_NOMEM;
	if (key.n && memchr(key.p, '\0', key.n)) {
		if (buf_addslice(&joined, key))
			return ERR_NOMEM;
		for (size_t i = 0; i < joined.len; i++) {
			if (joined.data[i] == '\0')
				joined.data[i] = '|';
		}
		key = buf_slice(&joined);
	}
	if (line_cell(&l, key))
		return ERR_NOMEM;
	return line_end(&l);
}

static bool
key_part_hidden(const struct config_resource *r, size_t field)
{
	enum config_sensitivity s = r->fields[field].sensitivity;

	if (r->subject >= 0 && field == (size_t)r->subject)
		return false;
	return s == CONFIG_PERSONAL || s == CONFIG_SECRET;
}

int
publish_format_orphan_key(const struct config_resource *r, struct slice key,
			  struct buf *out)
{
	for (size_t i = 0; i < r->nkey; i++) {
		const char *end = key.n ? memchr(key.p, '\0', key.n) : NULL;
		struct slice part = {key.p,
				     end ? (size_t)(end - key.p) : key.n};

		if (key_part_hidden(r, r->key[i]))
			part = SLICE_NONE;
		if (cells_key_add(out, part, i == 0))
			return ERR_NOMEM;
		key = end ? (struct slice){end + 1,
					   key.n - (size_t)(end + 1 - key.p)}
			  : SLICE_NONE;
	}
	return 0;
}
