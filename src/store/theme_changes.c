/* Which subjects of a theme differ between two sequences: see record.h. */
#include "store/record.h"

#include "base/scope.h"
#include "base/sorter.h"
#include "store/run.h"
#include "store/sql.h"

#define SUBJECTS_MEMORY (4 << 20)

struct changes {
	struct sql *db;
	int64_t theme, from, to;
	const struct breath *breath;
	struct sorter *subjects; /* that may differ, some of them twice */
	struct store_theme_walk *was, *is;
	struct error *err;
};

/* ---- whose row began or ended -------------------------------------------- */

static int
add_table(struct changes *c)
{
	/* Left to itself SQLite walks the index of all subjects, to have them
	 * in order; the cost is to follow what changed. */
	static const char text[] =
		"SELECT subject FROM theme_row INDEXED BY theme_row_since"
		" WHERE theme = ?1 AND since > ?2 AND since <= ?3"
		" UNION ALL SELECT subject FROM theme_row"
		" INDEXED BY theme_row_until"
		" WHERE theme = ?1 AND until > ?2 AND until <= ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(c->db, text, &stmt, c->err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, c->theme);
	sql_bind_int(stmt, 2, c->from);
	sql_bind_int(stmt, 3, c->to);
	while ((rc = sql_step(c->db, stmt, c->err)) > 0) {
		rc = sorter_add(c->subjects, sql_bytes(stmt, 0), SLICE_NONE,
				c->err);
		if (!rc)
			rc = breathe(c->breath, c->err);
		if (rc)
			return rc;
	}
	return rc;
}

struct adding {
	struct changes *c;
	struct run_walk in;
};

static int
add_row(void *ctx, int64_t id, int64_t until)
{
	struct adding *a = ctx;
	struct changes *c = a->c;
	struct run_row row;
	int rc = run_get(&a->in, c->db, id, &row, c->err);

	(void)until;
	if (rc > 0)
		rc = sorter_add(c->subjects, row.key, SLICE_NONE, c->err);
	return rc ? rc : breathe(c->breath, c->err);
}

/* Rows of a run that ended by themselves. */
static int
add_gone(struct changes *c, int64_t run)
{
	struct adding a = {.c = c};
	int rc = run_gone_each(c->db, run, c->from, c->to, add_row, &a, c->err);

	run_walk_close(&a.in);
	return rc;
}

/* A run that began or ended as a whole. What is merged does neither. */
static int
add_run(struct changes *c, int64_t run)
{
	scope_run_walk walk = {0};
	struct run_row row;
	int rc = run_walk_open_one(&walk, c->db, run, c->err);

	while (!rc && (rc = run_walk_next(&walk, &row, c->err)) > 0) {
		rc = breathe(c->breath, c->err);
		if (!rc)
			rc = sorter_add(c->subjects, row.key, SLICE_NONE,
					c->err);
	}
	return rc;
}

static int
add_runs(struct changes *c)
{
	static const char text[] =
		"SELECT id, (since > ?2 AND since <= ?3 AND NOT merged)"
		" OR coalesce(until > ?2 AND until <= ?3"
		"  AND merged_into IS NULL, 0) FROM run"
		" WHERE kind = ?4 AND owner = ?1 AND since <= ?3"
		" AND (until IS NULL OR until > ?2)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(c->db, text, &stmt, c->err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, c->theme);
	sql_bind_int(stmt, 2, c->from);
	sql_bind_int(stmt, 3, c->to);
	sql_bind_int(stmt, 4, RUN_SUBJECT);
	while (!rc && (rc = sql_step(c->db, stmt, c->err)) > 0)
		rc = sql_int(stmt, 1) ? add_run(c, sql_int(stmt, 0))
				      : add_gone(c, sql_int(stmt, 0));
	return rc;
}

/* ---- what it was and is -------------------------------------------------- */

struct held {
	struct store_theme_row row; /* id 0: none */
	struct buf bytes;
	struct error *err;
};

static void
held_release(struct held *h)
{
	buf_release(&h->bytes);
}

#define scope_held __attribute__((cleanup(held_release))) struct held

static int
hold(void *ctx, const struct store_theme_row *r)
{
	struct held *h = ctx;
	const char *at;

	buf_clear(&h->bytes);
	if (buf_addslice(&h->bytes, r->subject) ||
	    buf_addslice(&h->bytes, r->cells) ||
	    buf_addslice(&h->bytes, r->conflicts) || buf_addc(&h->bytes, '\0'))
		return error_nomem(h->err);
	at = h->bytes.data;
	h->row = *r;
	h->row.subject.p = at;
	h->row.cells.p = at + r->subject.n;
	h->row.conflicts.p = h->row.cells.p + r->cells.n;
	return 0;
}

static int
give(struct changes *c, struct slice subject, store_theme_change_fn *each,
     void *ctx)
{
	scope_held was = {.err = c->err};
	scope_held is = {.err = c->err};
	int rc = store_theme_walk_find(c->was, subject, hold, &was, c->err);

	if (rc >= 0)
		rc = store_theme_walk_find(c->is, subject, hold, &is, c->err);
	/* of one subject no two rows begin at once, but one may have moved */
	if (rc < 0 || was.row.since == is.row.since)
		return rc < 0 ? rc : 0;
	return each(ctx, was.row.id ? &was.row : NULL,
		    is.row.id ? &is.row : NULL);
}

static int
give_all(struct changes *c, store_theme_change_fn *each, void *ctx)
{
	scope_buf last = BUF_INIT;
	struct slice subject, ignored;
	bool any = false;
	int rc = sorter_sort(c->subjects, c->err);

	if (!rc)
		rc = store_theme_walk_open(c->db, c->theme, c->from, &c->was,
					   c->err);
	if (!rc)
		rc = store_theme_walk_open(c->db, c->theme, c->to, &c->is,
					   c->err);
	while (!rc && (rc = sorter_next(c->subjects, &subject, &ignored,
					c->err)) > 0) {
		rc = breathe(c->breath, c->err);
		if (rc)
			return rc;
		if (any && slice_eq(subject, buf_slice(&last)))
			continue;
		any = true;
		buf_clear(&last);
		if (buf_addslice(&last, subject))
			return error_nomem(c->err);
		rc = give(c, subject, each, ctx);
	}
	return rc;
}

int
store_theme_changes(struct sql *db, int64_t theme, int64_t from, int64_t to,
		    const struct breath *breath, store_theme_change_fn *each,
		    void *ctx, struct error *err)
{
	scope_sorter *subjects = NULL;
	struct changes c = {.db = db,
			    .theme = theme,
			    .from = from,
			    .to = to,
			    .breath = breath,
			    .err = err};
	int rc = sorter_new(SUBJECTS_MEMORY, &subjects, err);

	c.subjects = subjects;
	if (!rc)
		rc = add_table(&c);
	if (!rc)
		rc = add_runs(&c);
	if (!rc)
		rc = give_all(&c, each, ctx);
	store_theme_walk_close(c.was);
	store_theme_walk_close(c.is);
	return rc;
}
