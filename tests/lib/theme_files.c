/* The files of a theme from records in memory: see theme_files.h. */
#include "tests/lib/theme_files.h"

#include "base/scope.h"
#include "integrate/integrate.h"
#include "publish/format.h"

#include <err.h>

/* A row of a theme. */
struct member_row {
	struct slice subject;
	struct integrate_row row;
};

static void *
need(void *p)
{
	if (!p)
		errx(2, "out of memory");
	return p;
}

static void
ok(int rc)
{
	if (rc)
		errx(2, "failed with code %d", rc);
}

static int
cmp_subjects(const void *a, const void *b)
{
	const struct member_row *x = a, *y = b;
	int c = slice_cmp(x->subject, y->subject);

	if (c)
		return c;
	if (x->row.source != y->row.source)
		return x->row.source < y->row.source ? -1 : 1;
	if (x->row.member != y->row.member)
		return x->row.member < y->row.member ? -1 : 1;
	return slice_cmp(x->row.key, y->row.key);
}

/* orphans.csv: source, subject, key, whichever resource it is of. */
static int
cmp_orphans(const void *a, const void *b)
{
	const struct member_row *x = a, *y = b;
	int c;

	if (x->row.source != y->row.source)
		return x->row.source < y->row.source ? -1 : 1;
	c = slice_cmp(x->subject, y->subject);
	if (!c)
		c = slice_cmp(x->row.key, y->row.key);
	return c ? c
		 : (x->row.member > y->row.member) -
			       (x->row.member < y->row.member);
}

/* All rows of all sources, sorted by subject. */
static struct member_row *
gather(const struct config *config, const struct config_theme *theme,
       const struct theme_table *tables, size_t *ret_n)
{
	struct member_row *rows = NULL;
	size_t n = 0;

	for (size_t s = 0; s < theme->nsources; s++) {
		const struct config_source *source = &theme->sources[s];

		for (size_t m = 0; m < source->nmembers; m++) {
			const struct config_member *member =
				&source->members[m];
			const struct theme_table *t =
				&tables[member->resource - config->resources];

			rows = need(reallocarray(rows, n + t->n + 1,
						 sizeof(*rows)));
			for (size_t i = 0; i < t->n; i++, n++)
				rows[n] = (struct member_row){
					cells_get(t->records[i].cells,
						  member->subject),
					{s, m, t->records[i].key,
					 t->records[i].cells,
					 t->records[i].submission}};
		}
	}
	rows = need(reallocarray(rows, n + 1, sizeof(*rows)));
	qsort(rows, n, sizeof(*rows), cmp_subjects);
	*ret_n = n;
	return rows;
}

static void
add_subject(const struct config_theme *theme, struct slice subject,
	    const struct integrate_row *rows, size_t n,
	    struct integrate_result *result, struct theme_files *f)
{
	struct error error = ERROR_INIT;
	int64_t lines;

	if (integrate_subject(theme, subject, rows, n, result, &error))
		errx(2, "%s", error.text);
	ok(publish_format_data_csv(buf_slice(&result->cells), &f->data));
	ok(publish_format_data_jsonl(theme, buf_slice(&result->cells),
				     &f->jsonl));
	ok(publish_format_conflicts_csv(subject, buf_slice(&result->conflicts),
					&f->conflicts, &lines));
}

static void
add_orphans(const struct config_theme *theme, struct member_row *rows, size_t n,
	    struct buf *out)
{
	qsort(rows, n, sizeof(*rows), cmp_orphans);
	for (size_t i = 0; i < n; i++) {
		const struct config_source *source =
			&theme->sources[rows[i].row.source];
		scope_buf key = BUF_INIT;

		ok(publish_format_orphan_key(
			source->members[rows[i].row.member].resource,
			rows[i].row.key, &key));
		ok(publish_format_orphan_csv(source->name, rows[i].subject,
					     buf_slice(&key), out));
	}
}

/* Moves the orphans to the front of 'rows'; returns how many there are. */
static size_t
integrate_all(const struct config_theme *theme, struct member_row *rows,
	      size_t n, struct theme_files *f)
{
	struct integrate_result result = INTEGRATE_RESULT_INIT;
	struct integrate_row *group = need(calloc(n + 1, sizeof(*group)));
	size_t orphans = 0, end;

	for (size_t i = 0; i < n; i = end) {
		struct slice subject = rows[i].subject;

		for (end = i; end < n; end++) {
			if (!slice_eq(subject, rows[end].subject))
				break;
			group[end - i] = rows[end].row;
		}
		if (subject.n && integrate_is_member(theme, group, end - i)) {
			add_subject(theme, subject, group, end - i, &result, f);
			continue;
		}
		for (size_t k = i; k < end; k++)
			rows[orphans++] = rows[k];
	}
	integrate_result_release(&result);
	free(group);
	return orphans;
}

void
theme_files_release(struct theme_files *f)
{
	buf_release(&f->data);
	buf_release(&f->jsonl);
	buf_release(&f->conflicts);
	buf_release(&f->orphans);
}

void
theme_files_make(const struct config *config, const struct config_theme *theme,
		 const struct theme_table *tables, struct theme_files *ret)
{
	struct member_row *rows;
	size_t n, orphans;

	*ret = (struct theme_files){0};
	ok(publish_format_data_header(theme, &ret->data));
	ok(publish_format_conflicts_header(theme, &ret->conflicts));
	ok(publish_format_orphans_header(theme, &ret->orphans));
	rows = gather(config, theme, tables, &n);
	orphans = integrate_all(theme, rows, n, ret);
	add_orphans(theme, rows, orphans, &ret->orphans);
	free(rows);
}

void
theme_files_source(const struct config_theme *theme,
		   const struct config_member *member,
		   const struct theme_table *table, struct buf *out)
{
	struct member_row *rows = need(calloc(table->n + 1, sizeof(*rows)));

	for (size_t i = 0; i < table->n; i++) {
		const struct theme_record *r = &table->records[i];

		rows[i] = (struct member_row){
			cells_get(r->cells, member->subject),
			{0, 0, r->key, r->cells, r->submission}};
	}
	qsort(rows, table->n, sizeof(*rows), cmp_subjects);
	ok(publish_format_source_header(theme, member->resource, out));
	for (size_t i = 0; i < table->n; i++)
		ok(publish_format_source_csv(member->resource,
					     rows[i].row.cells, out));
	free(rows);
}
