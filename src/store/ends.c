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

/* The first row that is left, beside these and those that ended before; 'n':
 * none is. Mostly it is among the first. */
static int
find_left(const struct ending *e, struct sql *db, int64_t n, int64_t *ret,
	  struct error *err)
{
	static const char text[] = "SELECT id FROM gone WHERE id >= ?1"
				   " AND id < ?2 ORDER BY id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, run_row_id(e->run, 0));
	sql_bind_int(stmt, 2, run_row_id(e->run + 1, 0));
	rc = 1;
	for (*ret = 0; *ret < n; ++*ret) {
		if (ends(e, *ret))
			continue;
		while (rc > 0 && (rc = sql_step(db, stmt, err)) > 0 &&
		       run_ordinal_of_row(sql_int(stmt, 0)) < *ret)
			continue;
		if (rc <= 0 || run_ordinal_of_row(sql_int(stmt, 0)) != *ret)
			return rc < 0 ? rc : 0;
	}
	return 0;
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

	for (int64_t row = 0; !rc && row < 8 * (int64_t)e->size; row++) {
		if (!ends(e, row))
			continue;
		rc = run_end_row(db, run_row_id(e->run, row), seq, err);
		if (!rc)
			rc = breathe(breath, err);
	}
	return rc;
}

static int
tell_run(const struct ending *e, struct sql *db, int64_t seq,
	 const struct breath *breath, struct error *err)
{
	int64_t n = 0, left = 0;
	int rc = count_rows(db, e->run, &n, err);

	if (!rc)
		rc = find_left(e, db, n, &left, err);
	if (rc)
		return rc;
	return left == n ? end_run(e->run, db, seq, err)
			 : end_rows(e, db, seq, breath, err);
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
