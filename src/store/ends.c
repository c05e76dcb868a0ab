/* Rows of loads that end together: see record.h, store_ends_new(). A run of
 * which no row is left ends as a whole. */
#include "store/record.h"

#include "store/run.h"
#include "store/run_cache.h"

#include <stdlib.h>

/* A run, and a bit for each of its rows that ends. */
struct ending {
	int64_t run;
	unsigned char *rows;
	size_t size; /* bytes */
};

struct store_ends {
	struct ending *runs;
	size_t n;
};

struct store_ends *
store_ends_new(void)
{
	return calloc(1, sizeof(struct store_ends));
}

void
store_ends_free(struct store_ends *ends)
{
	if (!ends)
		return;
	for (size_t i = 0; i < ends->n; i++)
		free(ends->runs[i].rows);
	free(ends->runs);
	free(ends);
}

/* There are no more than runs that hold at once. NULL: no memory. */
static struct ending *
find(struct store_ends *ends, int64_t run)
{
	struct ending *runs;

	for (size_t i = 0; i < ends->n; i++) {
		if (ends->runs[i].run == run)
			return &ends->runs[i];
	}
	runs = reallocarray(ends->runs, ends->n + 1, sizeof(*runs));
	if (!runs)
		return NULL;
	ends->runs = runs;
	runs[ends->n] = (struct ending){.run = run};
	return &runs[ends->n++];
}

static int
make_room(struct ending *e, size_t byte)
{
	size_t size = e->size ? e->size : 1024;
	unsigned char *rows;

	if (byte < e->size)
		return 0;
	while (size <= byte)
		size *= 2;
	rows = realloc(e->rows, size);
	if (!rows)
		return ERR_NOMEM;
	memset(rows + e->size, 0, size - e->size);
	e->rows = rows;
	e->size = size;
	return 0;
}

int
store_ends_add(struct store_ends *ends, int64_t id, struct error *err)
{
	struct ending *e = find(ends, run_of_row(id));
	size_t row = (size_t)run_ordinal_of_row(id);

	if (!e || make_room(e, row / 8))
		return error_nomem(err);
	e->rows[row / 8] |= (unsigned char)(1 << row % 8);
	return 0;
}

int
store_ends_record(struct store_ends *ends, struct sql *db, int64_t id,
		  int64_t seq, struct error *err)
{
	return run_is_row(id) ? store_ends_add(ends, id, err)
			      : store_record_end(db, id, seq, err);
}

int
store_ends_theme_row(struct store_ends *ends, struct sql *db, int64_t id,
		     int64_t seq, struct error *err)
{
	return run_is_row(id) ? store_ends_add(ends, id, err)
			      : store_theme_row_end(db, id, seq, err);
}

/* ---- telling ------------------------------------------------------------- */

static bool
ends(const struct ending *e, int64_t row)
{
	size_t byte = (size_t)row / 8;

	return byte < e->size && e->rows[byte] >> row % 8 & 1;
}

static int
count_rows(struct sql *db, int64_t run, int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT rows FROM run WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, run);
	rc = sql_step(db, stmt, err);
	*ret = rc > 0 ? sql_int(stmt, 0) : 0;
	return rc < 0 ? rc : 0;
}

/* Whether one is left beside these and those that ended before. */
struct left {
	const struct ending *e;
	int64_t row; /* the first that is not among those seen so far */
};

static int
pass(void *ctx, int64_t id, int64_t until)
{
	struct left *left = ctx;
	int64_t row = run_ordinal_of_row(id);

	(void)until;
	while (left->row < row && ends(left->e, left->row))
		left->row++;
	if (left->row < row)
		return 1; /* mostly it is among the first */
	left->row = row + 1;
	return 0;
}

static int
is_one_left(const struct ending *e, struct sql *db, int64_t n, bool *ret,
	    struct error *err)
{
	struct left left = {.e = e};
	int rc = run_gone_each(db, e->run, INT64_MIN, INT64_MAX, pass, &left,
			       err);

	while (!rc && left.row < n && ends(e, left.row))
		left.row++;
	*ret = left.row < n;
	return rc < 0 ? rc : 0;
}

/* With the subjects of a theme end their names by shelf. */
static int
end_run(int64_t run, struct sql *db, int64_t seq, struct error *err)
{
	static const char text[] =
		"UPDATE run SET until = ?2 WHERE until IS NULL AND (id = ?1"
		" OR id = " RUN_SHELF_OF("?1") ")";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	run_cache_drop(db);
	sql_bind_int(stmt, 1, run);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

static int
end_rows(const struct ending *e, struct sql *db, int64_t seq,
	 const struct breath *breath, struct error *err)
{
	int rc = 0;

	for (size_t at = 0; !rc && at < e->size; at += RUN_STRETCH / 8) {
		rc = run_end_rows(db, run_row_id(e->run, 8 * (int64_t)at),
				  e->rows + at, seq, err);
		if (!rc)
			rc = breathe(breath, err);
	}
	return rc;
}

static int
tell_run(const struct ending *e, struct sql *db, int64_t seq,
	 const struct breath *breath, struct error *err)
{
	bool one_left = false;
	int64_t n = 0;
	int rc = count_rows(db, e->run, &n, err);

	if (!rc)
		rc = is_one_left(e, db, n, &one_left, err);
	if (rc)
		return rc;
	return one_left ? end_rows(e, db, seq, breath, err)
			: end_run(e->run, db, seq, err);
}

int
store_ends_tell(struct store_ends *ends, struct sql *db, int64_t seq,
		const struct breath *breath, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ends->n; i++) {
		rc = tell_run(&ends->runs[i], db, seq, breath, err);
		free(ends->runs[i].rows);
		ends->runs[i] = (struct ending){.run = ends->runs[i].run};
	}
	return rc;
}
