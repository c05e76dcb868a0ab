/* Runs that are merged: see merge.h. */
#include "store/merge.h"

#include "base/cells.h"
#include "base/scope.h"
#include "base/sorter.h"
#include "store/record.h"
#include "store/run.h"
#include "store/run_cache.h"
#include "store/shelves.h"

#include <endian.h>
#include <stdlib.h>

#define GONE RUN_GONE_OF("run.id")
#define MOST_LEFT 4 /* runs that hold; more of an owner are merged */
#define ROWS_AT_ONCE 2000
#define SIZES_MEMORY (2 << 20)
#define CHANGES_MOST 50000 /* made up for at once; else it was in vain */

struct merge_run {
	int64_t id;
	int64_t shelf; /* of subjects; 0 none */
	int64_t rows;  /* that hold */
	int64_t all;   /* with those that do not */
	int64_t since; /* its last change */
};

struct store_merge {
	struct sql *db;
	enum run_kind kind;
	int64_t owner;
	int64_t at;		/* published when it began */
	struct merge_run *runs; /* fewest rows first */
	size_t n, cap;
	int (*step)(struct store_merge *m, struct error *err); /* NULL: all of
								* it is there */
	struct run_walk walk;
	struct run_builder *rows;
	struct buf value, key;
	/* of subjects */
	struct sorter *sizes; /* of texts: subject, NUL, run */
	struct slice size_key, size;
	bool has_size;
	struct shelves *shelves;
};

void
store_merge_free(struct store_merge *m)
{
	if (!m)
		return;
	run_walk_release(&m->walk);
	run_build_free(m->rows);
	shelves_free(m->shelves);
	sorter_free(m->sizes);
	buf_release(&m->value);
	buf_release(&m->key);
	free(m->runs);
	free(m);
}

/* ---- which runs ---------------------------------------------------------- */

/* The owner with the most, if they are too many; 1, 0. */
static int
find_owner(struct store_merge *m, struct error *err)
{
	static const char text[] =
		"SELECT kind, owner FROM run WHERE until IS NULL AND kind <> 4"
		" GROUP BY kind, owner HAVING count(*) > ?1"
		" ORDER BY count(*) DESC LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(m->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, MOST_LEFT);
	rc = sql_step(m->db, stmt, err);
	if (rc > 0) {
		m->kind = (enum run_kind)sql_int(stmt, 0);
		m->owner = sql_int(stmt, 1);
	}
	return rc;
}

static int
add_run(struct store_merge *m, const struct merge_run *run, struct error *err)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 8;
		struct merge_run *runs =
			reallocarray(m->runs, cap, sizeof(*runs));

		if (!runs)
			return error_nomem(err);
		m->runs = runs;
		m->cap = cap;
	}
	m->runs[m->n++] = *run;
	return 0;
}

static int
find_runs(struct store_merge *m, struct error *err)
{
	static const char text[] =
		"SELECT run.id, rows - coalesce(sum(length(places)), 0),"
		" max(since, coalesce(max(gone.until), 0)), rows FROM run"
		" LEFT JOIN gone ON " GONE " AND +gone.until <= ?3"
		" WHERE kind = ?1 AND owner = ?2 AND since <= ?3"
		" AND run.until IS NULL GROUP BY run.id ORDER BY 2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(m->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, m->kind);
	sql_bind_int(stmt, 2, m->owner);
	sql_bind_int(stmt, 3, m->at);
	while ((rc = sql_step(m->db, stmt, err)) > 0) {
		const struct merge_run run = {
			.id = sql_int(stmt, 0),
			.rows = sql_int(stmt, 1),
			.since = sql_int(stmt, 2),
			.all = sql_int(stmt, 3),
		};

		rc = add_run(m, &run, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* The small ones, as long as the next is not larger than all before, or half of
 * it does not hold: so a row is written again as often as the number of rows
 * doubles, not at every merge. */
static void
choose(struct store_merge *m)
{
	int64_t rows = 0;
	size_t n = 0;

	while (n < m->n && (n < 2 || m->runs[n].rows <= rows ||
			    2 * m->runs[n].rows <= m->runs[n].all))
		rows += m->runs[n++].rows;
	m->n = n;
}

/* The runs of shelves that go with them. */
static int
find_shelves(struct store_merge *m, struct error *err)
{
	static const char text[] = "SELECT coalesce(" RUN_SHELF_OF("?1") ", 0)";
	int rc = 0;

	for (size_t i = 0; !rc && i < m->n; i++) {
		scope_stmt *stmt = NULL;

		rc = sql_get(m->db, text, &stmt, err);
		if (rc)
			return rc;
		sql_bind_int(stmt, 1, m->runs[i].id);
		rc = sql_step(m->db, stmt, err);
		m->runs[i].shelf = rc > 0 ? sql_int(stmt, 0) : 0;
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

/* From when on all of them are what they are now. */
static int64_t
last_change(const struct store_merge *m)
{
	int64_t since = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (m->runs[i].since > since)
			since = m->runs[i].since;
	}
	return since;
}

/* ---- the sizes of subjects' texts, which stand in the order of shelves ----
 */

static int
walk_runs(struct store_merge *m, bool shelves, struct error *err)
{
	scope_free int64_t *ids = calloc(m->n, sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return error_nomem(err);
	for (size_t i = 0; i < m->n; i++) {
		ids[n] = shelves ? m->runs[i].shelf : m->runs[i].id;
		n += ids[n] != 0;
	}
	run_walk_release(&m->walk);
	return run_walk_open_some(&m->walk, m->db, ids, n, m->at, err);
}

static int
make_size_key(struct store_merge *m, struct slice subject, int64_t run)
{
	const uint64_t number = htobe64((uint64_t)run);

	buf_clear(&m->key);
	return buf_addslice(&m->key, subject) || buf_addc(&m->key, '\0') ||
	       buf_add(&m->key, &number, sizeof(number));
}

static int
add_size(struct store_merge *m, const struct run_row *row, struct error *err)
{
	struct slice subject = {row->key.p + 2, row->key.n - 2};
	struct run_shelf_entry e;
	int64_t run = 0;

	if (row->key.n < 2 || row->value.n < sizeof(e))
		return 0;
	for (size_t i = 0; i < m->n; i++) {
		if (m->runs[i].shelf == row->run->id)
			run = m->runs[i].id;
	}
	memcpy(&e, row->value.p, sizeof(e));
	if (make_size_key(m, subject, run))
		return error_nomem(err);
	return sorter_add(
		m->sizes, buf_slice(&m->key),
		(struct slice){(const char *)&e.bytes, sizeof(e.bytes)}, err);
}

static int
next_size(struct store_merge *m, struct error *err)
{
	int rc = sorter_next(m->sizes, &m->size_key, &m->size, err);

	m->has_size = rc > 0;
	return rc < 0 ? rc : 0;
}

static int
find_size(struct store_merge *m, const struct run_row *row, int64_t *ret,
	  struct error *err)
{
	uint32_t bytes = UINT32_MAX;
	int rc = 0;

	if (make_size_key(m, row->key, row->run->id))
		return error_nomem(err);
	while (!rc && m->has_size &&
	       slice_cmp(m->size_key, buf_slice(&m->key)) < 0)
		rc = next_size(m, err);
	if (!rc && m->has_size && slice_eq(m->size_key, buf_slice(&m->key)))
		memcpy(&bytes, m->size.p, sizeof(bytes));
	bytes = le32toh(bytes);
	*ret = bytes == UINT32_MAX ? STORE_UNKNOWN : (int64_t)bytes;
	return rc;
}

/* ---- rows ---------------------------------------------------------------- */

static int
add_row(struct store_merge *m, const struct run_row *row, struct error *err)
{
	struct slice conflicts = row->value, cells;
	int64_t bytes = STORE_UNKNOWN;
	size_t head;
	int rc;

	buf_clear(&m->value);
	if (run_head_add(&m->value, row->since, row->version, row->submission))
		return error_nomem(err);
	head = m->value.len;
	if (buf_addslice(&m->value, row->value))
		return error_nomem(err);
	rc = run_build_add(m->rows, row->key, buf_slice(&m->value),
			   m->shelves && cells_next(&conflicts, &cells) &&
				   conflicts.n,
			   err);
	if (rc || !m->shelves)
		return rc;
	rc = find_size(m, row, &bytes, err);
	return rc ? rc
		  : shelves_add(m->shelves, row->key,
				(struct slice){m->value.data, head}, bytes,
				err);
}

/* ---- what changed meanwhile ---------------------------------------------- */

struct making_up {
	struct store_merge *m;
	struct run_walk old, merged;
	int64_t n;
	struct error *err;
};

/* Stops where there are too many. */
static int
end_merged(void *ctx, int64_t id, int64_t until)
{
	struct making_up *u = ctx;
	struct sql *db = u->m->db;
	struct run_row row;
	int rc = run_get(&u->old, db, id, &row, u->err);

	if (rc > 0)
		rc = run_get_key(&u->merged, db, run_build_id(u->m->rows),
				 row.key, &row, u->err);
	if (rc == 0)
		return error_set(u->err, ERR_INTERNAL,
				 "a row was lost in a merge");
	if (rc > 0)
		rc = run_end_row(db, row.id, until, u->err);
	return rc ? rc : ++u->n >= CHANGES_MOST;
}

/* The rows of a run that ended since. */
static int
make_up(struct making_up *u, int64_t run)
{
	int rc = run_gone_each(u->m->db, run, u->m->at, INT64_MAX, end_merged,
			       u, u->err);

	return rc < 0 ? rc : 0;
}

/* 1: all of them still hold, and have ended now; 0. */
static int
end_old(struct store_merge *m, int64_t since, struct error *err)
{
	static const char text[] =
		"UPDATE run SET until = ?2, merged_into = ?3"
		" WHERE (id = ?1 OR id = ?4) AND until IS NULL";
	int rc = 0;

	for (size_t i = 0; !rc && i < m->n; i++) {
		const struct merge_run *run = &m->runs[i];
		scope_stmt *stmt = NULL;

		rc = sql_get(m->db, text, &stmt, err);
		if (rc)
			return rc;
		sql_bind_int(stmt, 1, run->id);
		sql_bind_int(stmt, 2, since);
		sql_bind_int(stmt, 3, run_build_id(m->rows));
		sql_bind_int(stmt, 4, run->shelf);
		rc = sql_run(m->db, stmt, err);
		if (!rc && sql_changes(m->db) != 1 + (run->shelf != 0))
			return 0;
	}
	return rc ? rc : 1;
}

/* 1 it is done, 0 it was in vain. */
static int
tell(struct store_merge *m, struct error *err)
{
	struct making_up u = {.m = m, .err = err};
	int rc = run_build_tell(m->rows, err);

	if (!rc && m->shelves)
		rc = shelves_tell(m->shelves, err);
	for (size_t i = 0; !rc && i < m->n && u.n < CHANGES_MOST; i++)
		rc = make_up(&u, m->runs[i].id);
	run_walk_release(&u.old);
	run_walk_release(&u.merged);
	if (rc || u.n >= CHANGES_MOST)
		return rc;
	run_cache_drop(m->db);
	return end_old(m, last_change(m), err);
}

/* ---- steps --------------------------------------------------------------- */

typedef int step_fn(struct store_merge *m, struct error *err);
static step_fn step_rows, step_end;

/* What 'each' does with the next rows of the walk; 1 there are more, 0. */
static int
step_walk(struct store_merge *m,
	  int (*each)(struct store_merge *m, const struct run_row *row,
		      struct error *err),
	  struct error *err)
{
	struct run_row row;
	int rc = 1;

	for (int i = 0; rc > 0 && i < ROWS_AT_ONCE; i++) {
		rc = run_walk_next(&m->walk, &row, err);
		if (rc <= 0)
			return rc;
		rc = each(m, &row, err);
		rc = rc ? rc : 1;
	}
	return rc;
}

static int
begin_rows(struct store_merge *m, struct error *err)
{
	const struct run run = {
		.owner = m->owner, .since = last_change(m), .mixed = true};
	int rc = run_build(m->db, m->kind, &run, &m->rows, err);

	if (!rc && m->kind == RUN_SUBJECT)
		rc = shelves_new(m->db, &run, &m->shelves, err);
	m->step = step_rows;
	return rc ? rc : walk_runs(m, false, err);
}

static int
step_sizes(struct store_merge *m, struct error *err)
{
	int rc = step_walk(m, add_size, err);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = sorter_sort(m->sizes, err);
	if (!rc)
		rc = next_size(m, err);
	return rc ? rc : begin_rows(m, err);
}

static int
begin_sizes(struct store_merge *m, struct error *err)
{
	int rc = find_shelves(m, err);

	if (!rc)
		rc = sorter_new(SIZES_MEMORY, &m->sizes, err);
	m->step = step_sizes;
	return rc ? rc : walk_runs(m, true, err);
}

static int
step_rows(struct store_merge *m, struct error *err)
{
	int rc = step_walk(m, add_row, err);

	if (rc)
		return rc < 0 ? rc : 0;
	m->step = step_end;
	rc = m->shelves ? shelves_end(m->shelves, err) : 0;
	return rc ? rc : run_build_end(m->rows, err);
}

static int
step_end(struct store_merge *m, struct error *err)
{
	if (m->shelves && !shelves_is_done(m->shelves))
		return 0;
	m->step = NULL;
	return m->shelves ? shelves_wait(m->shelves, NULL, err) : 0;
}

/* 1 it has begun, 0 nothing is worth while. */
static int
begin(struct store_merge *m, struct error *err)
{
	int rc = find_owner(m, err);

	if (rc <= 0)
		return rc;
	rc = find_runs(m, err);
	if (rc)
		return rc;
	choose(m);
	if (m->n < 2)
		return 0;
	rc = m->kind == RUN_SUBJECT ? begin_sizes(m, err) : begin_rows(m, err);
	return rc ? rc : 1;
}

static int
begin_next(struct store *store, struct store_merge **ret, struct error *err)
{
	struct store_merge *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(err);
	m->db = store_records(store);
	m->at = store_published(store);
	rc = begin(m, err);
	if (rc > 0)
		*ret = m;
	else
		store_merge_free(m);
	return rc;
}

/* In a transaction that carries no number: nobody sees a difference. */
static int
conclude(struct store *store, struct store_merge *m, struct error *err)
{
	int rc = store_records_begin(store, err);

	if (rc)
		return rc;
	rc = tell(m, err);
	rc = rc > 0 ? store_records_commit(store, 0, err) : rc;
	store_records_rollback(store);
	return rc;
}

int
store_merge_step(struct store *store, struct store_merge **merge,
		 struct error *err)
{
	struct store_merge *m = *merge;
	bool ready = m && !m->step;
	int rc;

	if (!m)
		return begin_next(store, merge, err);
	rc = ready ? conclude(store, m, err) : m->step(m, err);
	if (rc || ready) {
		store_merge_free(m);
		*merge = NULL;
	}
	return rc ? rc : 1;
}
