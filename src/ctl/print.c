/* Facts for people and for programs: see print.h. */
#include "ctl/print.h"

#include "base/scope.h"

#include <libsmartcols/libsmartcols.h>

static int
no_memory(void)
{
	return ctl_refuse(CTL_NO, "no memory");
}

/* ---- values -------------------------------------------------------------- */

static int
list_text(const json_t *list, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		if (i)
			rc = buf_adds(out, ", ");
		if (!rc)
			rc = ctl_value_text(json_array_get(list, i), out);
	}
	return rc;
}

int
ctl_value_text(const json_t *value, struct buf *out)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return buf_adds(out, json_string_value(value));
	case JSON_INTEGER:
		return buf_addf(out, "%" JSON_INTEGER_FORMAT,
				json_integer_value(value));
	case JSON_TRUE:
		return buf_adds(out, "yes");
	case JSON_FALSE:
		return buf_adds(out, "no");
	case JSON_ARRAY:
		return list_text(value, out);
	default:
		return 0;
	}
}

/* 2026-03-01T09:30:00+08:00 without the T and the offset, which is the same
 * everywhere. */
static void
shorten_time(struct buf *text)
{
	if (text->len < 19 || text->data[10] != 'T')
		return;
	text->data[10] = ' ';
	text->len = 19;
}

/* ---- tables -------------------------------------------------------------- */

static void
unref_table(struct libscols_table **table)
{
	scols_unref_table(*table);
}
#define scope_table __attribute__((cleanup(unref_table))) struct libscols_table

/* Never cut to the width of a terminal: what is cut off cannot be copied. */
static struct libscols_table *
new_table(void)
{
	struct libscols_table *table = scols_new_table();

	if (table)
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	return table;
}

static int
fill_cell(struct libscols_line *line, size_t at, const json_t *value,
	  enum ctl_form form)
{
	scope_buf text = BUF_INIT;

	if (ctl_value_text(value, &text))
		return -1;
	if (form == CTL_TIME)
		shorten_time(&text);
	return buf_str(&text) ? scols_line_set_data(line, at, text.data) : -1;
}

static int
fill_table(struct libscols_table *table, const json_t *rows,
	   const struct ctl_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int flags = columns[i].form == CTL_NUMBER ? SCOLS_FL_RIGHT : 0;

		if (!scols_table_new_column(table, columns[i].heading, 0,
					    flags))
			return -1;
	}
	for (size_t r = 0; r < json_array_size(rows); r++) {
		const json_t *row = json_array_get(rows, r);
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			return -1;
		for (size_t i = 0; i < n; i++) {
			if (fill_cell(line, i,
				      json_object_get(row, columns[i].key),
				      columns[i].form))
				return -1;
		}
	}
	return 0;
}

/* The library prints nothing at all for a table without rows. */
static void
print_headings(const struct ctl_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", columns[i].heading);
	putchar('\n');
}

int
ctl_table(const json_t *rows, const struct ctl_column *columns, size_t n)
{
	scope_table *table = new_table();

	if (json_array_size(rows) == 0) {
		print_headings(columns, n);
		return CTL_DONE;
	}
	if (!table || fill_table(table, rows, columns, n) ||
	    scols_print_table(table))
		return no_memory();
	return CTL_DONE;
}

int
ctl_facts(const json_t *facts)
{
	scope_table *table = new_table();
	json_t *all = (json_t *)(uintptr_t)facts; /* iterated, not changed */
	const char *key;
	json_t *value;

	if (!table || !scols_table_new_column(table, "", 0, 0) ||
	    !scols_table_new_column(table, "", 0, 0))
		return no_memory();
	scols_table_enable_noheadings(table, 1);
	json_object_foreach(all, key, value)
	{
		struct libscols_line *line;

		if (json_is_string(value) && json_string_length(value) == 0)
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line || scols_line_set_data(line, 0, key) ||
		    fill_cell(line, 1, value, CTL_TEXT))
			return no_memory();
	}
	return scols_print_table(table) ? no_memory() : CTL_DONE;
}

/* ---- JSON ---------------------------------------------------------------- */

int
ctl_json(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2)))
		return no_memory();
	putchar('\n');
	return CTL_DONE;
}

int
ctl_json_line(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_COMPACT))
		return no_memory();
	putchar('\n');
	return CTL_DONE;
}

int
ctl_print(struct slice text)
{
	if (fwrite(text.p, 1, text.n, stdout) != text.n)
		return ctl_refuse(CTL_NO, "cannot write the answer");
	return CTL_DONE;
}

/* How many bytes at the front are a string with its quotes. */
static size_t
string_length(struct slice s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return s.n;
}

static size_t
number_length(struct slice s)
{
	size_t n = 0;

	while (n < s.n && strchr("+-.0123456789eE", s.p[n]) && s.p[n])
		n++;
	return n;
}

json_t *
ctl_json_exact(struct slice text)
{
	scope_buf quoted = BUF_INIT;

	while (text.n) {
		bool number =
			*text.p == '-' || (*text.p >= '0' && *text.p <= '9');
		size_t n = *text.p == '"' ? string_length(text)
			   : number	  ? number_length(text)
					  : 1;

		if ((number && buf_addc(&quoted, '"')) ||
		    buf_add(&quoted, text.p, n) ||
		    (number && buf_addc(&quoted, '"')))
			return NULL;
		text.p += n;
		text.n -= n;
	}
	return json_loadb(quoted.data, quoted.len, 0, NULL);
}
