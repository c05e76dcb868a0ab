/*
 * All records of one subject: see gather.h. The rules compute a theme's row
 * from them when they change (flow/), and its origin when somebody asks
 * (subject.c).
 */
#include "publish/gather.h"

#include "base/scope.h"
#include "publish/linked.h"

#include <stdlib.h>

struct gather {
	struct publish_gathered *into;
	size_t source, member;
	struct error *err;
};

static void
release_rows(struct publish_gathered_rows *r)
{
	free(r->rows);
	buf_release(&r->bytes);
}

void
publish_gathered_release(struct publish_gathered *g)
{
	release_rows(&g->all);
	release_rows(&g->given);
	buf_release(&g->lo);
	buf_release(&g->hi);
	for (size_t i = 0; i < g->nwalks; i++)
		store_link_walk_close(g->walks[i]);
	free(g->walks);
	free(g->unlinked);
}

static size_t
count_members(const struct config_theme *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nsources; i++)
		n += t->sources[i].nmembers;
	return n;
}

/* Where no row lacks a subject, no subject has to be asked for such rows. */
static int
note_unlinked(struct sql *db, const struct publish_theme *theme, int64_t at,
	      struct publish_gathered *ret, struct error *err)
{
	const struct config_theme *t = theme->theme;
	int rc = 0;

	ret->unlinked = calloc(t->nsources + 1, sizeof(*ret->unlinked));
	if (!ret->unlinked)
		return error_nomem(err);
	for (size_t s = 0; !rc && s < t->nsources; s++) {
		bool any = false;

		if (t->sources[s].link)
			rc = publish_linked_any(db, theme, s, at, &any, err);
		ret->unlinked[s] = !any;
	}
	return rc;
}

int
publish_gather_in_order(struct sql *db, const struct publish_theme *theme,
			int64_t at, struct publish_gathered *ret,
			struct error *err)
{
	const struct config_theme *t = theme->theme;
	int rc = 0;

	ret->walks =
		calloc(count_members(t) + 1, sizeof(struct store_link_walk *));
	if (!ret->walks)
		return error_nomem(err);
	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; !rc && m < t->sources[s].nmembers; m++) {
			int64_t lens = theme->lens[s][m];

			if (lens != ret->lens)
				rc = store_link_walk_open(
					db, lens, at, &ret->walks[ret->nwalks],
					err);
			ret->nwalks += rc == 0;
		}
	}
	return rc ? rc : note_unlinked(db, theme, at, ret, err);
}

static int
grow(struct publish_gathered_rows *r)
{
	size_t cap = r->cap ? 2 * r->cap : 16;
	struct integrate_row *rows;

	if (r->n < r->cap)
		return 0;
	rows = reallocarray(r->rows, cap, sizeof(*rows));
	if (!rows)
		return ERR_NOMEM;
	r->rows = rows;
	r->cap = cap;
	return 0;
}

static void
clear(struct publish_gathered_rows *r)
{
	r->n = 0;
	buf_clear(&r->bytes);
}

/* While the bytes still grow, a row knows only how long its parts are. */
static int
add_row(struct publish_gathered_rows *to, struct slice key, struct slice cells,
	const char *submission)
{
	if (grow(to) || buf_addslice(&to->bytes, key) ||
	    buf_addslice(&to->bytes, cells) ||
	    buf_add(&to->bytes, submission, strlen(submission) + 1))
		return ERR_NOMEM;
	to->rows[to->n++] = (struct integrate_row){
		.key = {NULL, key.n},
		.cells = {NULL, cells.n},
	};
	return 0;
}

static void
point_into_bytes(struct publish_gathered_rows *r)
{
	const char *at = r->bytes.data;

	for (size_t i = 0; i < r->n; i++) {
		struct integrate_row *row = &r->rows[i];

		row->key.p = at;
		row->cells.p = row->key.p + row->key.n;
		row->submission = row->cells.p + row->cells.n;
		at = row->submission + strlen(row->submission) + 1;
	}
}

static int
keep_record(void *ctx, struct slice place, const struct store_record *r)
{
	struct gather *g = ctx;
	struct publish_gathered_rows *to = &g->into->all;

	(void)place;
	if (add_row(to, r->key, r->cells, r->submission))
		return error_nomem(g->err);
	to->rows[to->n - 1].source = g->source;
	to->rows[to->n - 1].member = g->member;
	return 0;
}

int
publish_gather_give(struct publish_gathered *g, const struct store_record *r,
		    struct error *err)
{
	return add_row(&g->given, r->key, r->cells, r->submission)
		       ? error_nomem(err)
		       : 0;
}

/* The records that were given, at their place among the others. */
static int
take_given(struct gather *g)
{
	struct publish_gathered *into = g->into;

	point_into_bytes(&into->given);
	for (size_t i = 0; i < into->given.n; i++) {
		const struct integrate_row *row = &into->given.rows[i];
		const struct store_record r = {.key = row->key,
					       .cells = row->cells,
					       .submission = row->submission};
		int rc = keep_record(g, SLICE_NONE, &r);

		if (rc)
			return rc;
	}
	return 0;
}

/* The places of a subject: from "subject NUL" up to "subject SOH". */
static int
make_range(struct publish_gathered *g, struct slice subject)
{
	buf_clear(&g->lo);
	buf_clear(&g->hi);
	if (buf_addslice(&g->lo, subject) || buf_addc(&g->lo, '\0') ||
	    buf_addslice(&g->hi, subject) || buf_addc(&g->hi, '\1'))
		return ERR_NOMEM;
	return 0;
}

static int
gather_lens(struct gather *g, struct sql *db, int64_t lens, int64_t at,
	    struct store_link_walk *walk)
{
	struct slice lo = buf_slice(&g->into->lo);
	struct slice hi = buf_slice(&g->into->hi);

	return walk ? store_link_walk_each(walk, lo, hi, keep_record, g, g->err)
		    : store_link_each(db, lens, at, lo, hi, keep_record, g,
				      g->err);
}

/* One lens alone has been given: there is nothing to look for. */
static void
take_all_given(struct publish_gathered *g)
{
	struct publish_gathered_rows given = g->given;

	g->given = g->all;
	g->all = given;
}

/* ---- rows that take the subject of another ------------------------------- */

/* The values of a subject's rows of the source that a link goes to, each once.
 * They are copied: rows that are added move the others' bytes. */
static int
copy_values(const struct publish_gathered_rows *all, size_t n,
	    const struct config_link *link, struct buf *ret)
{
	struct slice last = SLICE_NONE;

	for (size_t i = 0; i < n; i++) {
		const struct integrate_row *r = &all->rows[i];
		struct slice value;

		if (r->source != link->other)
			continue;
		value = cells_get(r->cells, link->other_columns[r->member]);
		/* of two neighbours neither is the one row with the value */
		if (value.n && !slice_eq(value, last) && cells_add(ret, value))
			return ERR_NOMEM;
		last = value;
	}
	return 0;
}

/* A value may come twice, if not from neighbours: then it leads nowhere. */
static int
add_linked(struct gather *g, struct sql *db, const struct publish_theme *theme,
	   int64_t at, struct slice value)
{
	const struct config_source *s = &theme->theme->sources[g->source];
	enum publish_lead lead = PUBLISH_LEAD_NONE;
	scope_buf subject = BUF_INIT;
	int rc = publish_linked_lead(db, theme, g->source, at, value, &lead,
				     &subject, g->err);

	for (g->member = 0;
	     !rc && lead == PUBLISH_LEAD_ONE && g->member < s->nmembers;
	     g->member++)
		rc = publish_linked_each(db, theme, g->source, g->member, at,
					 value, keep_record, g, g->err);
	return rc;
}

static int
gather_link(struct gather *g, struct sql *db, const struct publish_theme *theme,
	    int64_t at, size_t n)
{
	const struct config_link *link = theme->theme->sources[g->source].link;
	scope_buf values = BUF_INIT;
	struct slice rest, value;
	int rc = copy_values(&g->into->all, n, link, &values);

	if (rc)
		return error_nomem(g->err);
	rest = buf_slice(&values);
	while (!rc && cells_next(&rest, &value))
		rc = add_linked(g, db, theme, at, value);
	return rc;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct integrate_row *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	return slice_cmp(x->key, y->key);
}

static bool
may_have_linked(const struct publish_gathered *g, const struct config_theme *t,
		size_t source)
{
	return t->sources[source].link &&
	       !(g->walks && g->unlinked && g->unlinked[source]);
}

static int
gather_links(struct gather *g, struct sql *db,
	     const struct publish_theme *theme, int64_t at)
{
	const struct config_theme *t = theme->theme;
	struct publish_gathered_rows *all = &g->into->all;
	const size_t n = all->n;
	int rc = 0;

	for (g->source = 0; !rc && g->source < t->nsources; g->source++) {
		if (may_have_linked(g->into, t, g->source))
			rc = gather_link(g, db, theme, at, n);
		/* what was added has moved the others */
		point_into_bytes(all);
	}
	if (!rc && all->n > n)
		qsort(all->rows, all->n, sizeof(*all->rows), compare_rows);
	return rc;
}

int
publish_gather(struct sql *db, const struct publish_theme *theme, int64_t at,
	       struct slice subject, struct publish_gathered *ret,
	       struct error *err)
{
	const struct config_theme *t = theme->theme;
	struct gather g = {.into = ret, .err = err};
	bool alone = ret->lens && ret->nwalks == 1;
	size_t n = 0;
	int rc = 0;

	clear(&ret->all);
	if (alone)
		take_all_given(ret);
	else if (make_range(ret, subject))
		return error_nomem(err);
	for (g.source = 0; !alone && g.source < t->nsources; g.source++) {
		size_t members = t->sources[g.source].nmembers;

		for (g.member = 0; !rc && g.member < members; g.member++, n++) {
			int64_t lens = theme->lens[g.source][g.member];

			rc = lens == ret->lens
				     ? take_given(&g)
				     : gather_lens(&g, db, lens, at,
						   ret->walks ? ret->walks[n]
							      : NULL);
		}
	}
	clear(&ret->given);
	if (rc)
		return rc;
	point_into_bytes(&ret->all);
	return gather_links(&g, db, theme, at);
}
