/*
 * All records of one subject: see gather.h. The rules compute a theme's row
 * from them when they change (flow/), and its origin when somebody asks
 * (subject.c).
 */
#include "publish/gather.h"

#include <stdlib.h>

struct gather {
	struct publish_gathered *into;
	size_t source, member;
	struct error *err;
};

void
publish_gathered_release(struct publish_gathered *g)
{
	free(g->rows);
	buf_release(&g->bytes);
	buf_release(&g->lo);
	buf_release(&g->hi);
	for (size_t i = 0; i < g->nwalks; i++)
		store_link_walk_close(g->walks[i]);
	free(g->walks);
}

static size_t
count_members(const struct config_theme *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nsources; i++)
		n += t->sources[i].nmembers;
	return n;
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
			rc = store_link_walk_open(db, theme->lens[s][m], at,
						  &ret->walks[ret->nwalks],
						  err);
			ret->nwalks += rc == 0;
		}
	}
	return rc;
}

static int
grow(struct publish_gathered *g)
{
	size_t cap = g->cap ? 2 * g->cap : 16;
	struct integrate_row *rows;

	if (g->n < g->cap)
		return 0;
	rows = reallocarray(g->rows, cap, sizeof(*rows));
	if (!rows)
		return ERR_NOMEM;
	g->rows = rows;
	g->cap = cap;
	return 0;
}

/* While the bytes still grow, a row knows only how long its parts are. */
static int
keep_record(void *ctx, struct slice place, const struct store_record *r)
{
	struct gather *g = ctx;
	struct publish_gathered *into = g->into;
	struct buf *bytes = &into->bytes;

	(void)place;
	if (grow(into) || buf_addslice(bytes, r->key) ||
	    buf_addslice(bytes, r->cells) || buf_adds(bytes, r->submission) ||
	    buf_addc(bytes, '\0'))
		return error_nomem(g->err);
	into->rows[into->n++] = (struct integrate_row){
		.source = g->source,
		.member = g->member,
		.key = {NULL, r->key.n},
		.cells = {NULL, r->cells.n},
	};
	return 0;
}

static void
point_into_bytes(struct publish_gathered *g)
{
	const char *at = g->bytes.data;

	for (size_t i = 0; i < g->n; i++) {
		struct integrate_row *row = &g->rows[i];

		row->key.p = at;
		row->cells.p = row->key.p + row->key.n;
		row->submission = row->cells.p + row->cells.n;
		at = row->submission + strlen(row->submission) + 1;
	}
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

int
publish_gather(struct sql *db, const struct publish_theme *theme, int64_t at,
	       struct slice subject, struct publish_gathered *ret,
	       struct error *err)
{
	const struct config_theme *t = theme->theme;
	struct gather g = {.into = ret, .err = err};
	size_t n = 0;
	int rc = 0;

	ret->n = 0;
	buf_clear(&ret->bytes);
	if (make_range(ret, subject))
		return error_nomem(err);
	for (g.source = 0; g.source < t->nsources; g.source++) {
		size_t members = t->sources[g.source].nmembers;

		for (g.member = 0; !rc && g.member < members; g.member++, n++)
			rc = ret->walks
				     ? store_link_walk_each(ret->walks[n],
							    buf_slice(&ret->lo),
							    buf_slice(&ret->hi),
							    keep_record, &g,
							    err)
				     : store_link_each(
					       db,
					       theme->lens[g.source][g.member],
					       at, buf_slice(&ret->lo),
					       buf_slice(&ret->hi), keep_record,
					       &g, err);
	}
	if (!rc)
		point_into_bytes(ret);
	return rc;
}
