/* All records of one subject: see gather.h. */
#include "flow/gather.h"

#include <stdlib.h>

struct gather {
	struct flow_rows *rows;
	size_t source, member;
	struct error *err;
};

void
flow_rows_release(struct flow_rows *rows)
{
	free(rows->rows);
	buf_release(&rows->bytes);
	buf_release(&rows->lo);
	buf_release(&rows->hi);
}

/* While the bytes still grow, slices hold offsets instead of pointers. */
static int
keep(struct flow_rows *rows, struct slice s, struct slice *ret)
{
	size_t at = rows->bytes.len;

	if (buf_addslice(&rows->bytes, s))
		return ERR_NOMEM;
	*ret = (struct slice){(const char *)(uintptr_t)at, s.n};
	return 0;
}

static int
take(void *ctx, struct slice place, const struct store_record *r)
{
	struct gather *g = ctx;
	struct flow_rows *rows = g->rows;
	struct integrate_row *row;
	struct slice submission;

	(void)place;
	if (rows->n == rows->cap) {
		size_t cap = rows->cap ? 2 * rows->cap : 16;
		void *more = realloc(rows->rows, cap * sizeof(*rows->rows));

		if (!more)
			return error_nomem(g->err);
		rows->rows = more;
		rows->cap = cap;
	}
	row = &rows->rows[rows->n];
	*row = (struct integrate_row){.source = g->source, .member = g->member};
	submission = (struct slice){r->submission, strlen(r->submission) + 1};
	if (keep(rows, r->key, &row->key) ||
	    keep(rows, r->cells, &row->cells) ||
	    keep(rows, submission, &submission))
		return error_nomem(g->err);
	row->submission = submission.p;
	rows->n++;
	return 0;
}

static const char *
settle(const struct flow_rows *rows, const char *offset)
{
	return rows->bytes.data + (uintptr_t)offset;
}

/* Places of a subject: from "subject NUL" up to "subject SOH". */
static int
make_range(struct flow_rows *rows, struct slice subject)
{
	buf_clear(&rows->lo);
	buf_clear(&rows->hi);
	return buf_addslice(&rows->lo, subject) || buf_addc(&rows->lo, '\0') ||
			       buf_addslice(&rows->hi, subject) ||
			       buf_addc(&rows->hi, '\1')
		       ? ERR_NOMEM
		       : 0;
}

int
flow_gather(struct sql *db, const struct publish_theme *theme, int64_t at,
	    struct slice subject, struct flow_rows *ret, struct error *err)
{
	struct gather g = {.rows = ret, .err = err};
	int rc = 0;

	ret->n = 0;
	buf_clear(&ret->bytes);
	if (make_range(ret, subject))
		return error_nomem(err);
	for (g.source = 0; g.source < theme->theme->nsources; g.source++) {
		size_t members = theme->theme->sources[g.source].nmembers;

		for (g.member = 0; !rc && g.member < members; g.member++)
			rc = store_link_each(
				db, theme->lens[g.source][g.member], at,
				buf_slice(&ret->lo), buf_slice(&ret->hi), take,
				&g, err);
	}
	for (size_t i = 0; !rc && i < ret->n; i++) {
		struct integrate_row *row = &ret->rows[i];

		row->key.p = settle(ret, row->key.p);
		row->cells.p = settle(ret, row->cells.p);
		row->submission = settle(ret, row->submission);
	}
	return rc;
}
