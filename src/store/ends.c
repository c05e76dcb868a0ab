/* Rows of loads that end together: see record.h, store_ends_new(). A run of
 * which no row is left ends as a whole. */
#include "store/record.h"

#include "store/run.h"
#include "store/run_cache.h"

#include <stdlib.h>

/* A run, and a bit for each of its rows that ends. */
struct ending {
	int64_t run;
	int64_t n; /* of them */
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
	e->n += !(e->rows[row / 8] >> row % 8 & 1);
	e->rows[row / 8] |= (unsigned char)(1 << row % 8);
	return 0;
}

/* Whether with these no row of the run is left; 1, 0. */
static int
is_all(const struct ending *e, struct sql *db, struct error *err)
{
	static const char text[] =
		"SELECT rows <= ?4 + (SELECT count(*) FROM gone"
		"  WHERE id >= ?2 AND id < ?3) FROM run WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, e->run);
	sql_bind_int(stmt, 2, run_row_id(e->run, 0));
	sql_bind_int(stmt, 3, run_row_id(e->run + 1, 0));
	sql_bind_int(stmt, 4, e->n);
	rc = sql_step(db, stmt, err);
	return rc > 0 ? sql_int(stmt, 0) != 0 : rc;
}

static int
end_run(int64_t run, struct sql *db, int64_t seq, struct error *err)
{
	static const char text[] = "UPDATE run SET until = ?2 WHERE id = ?1";
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
end_rows(const struct ending *e, struct sql *db, int64_t seq, struct error *err)
{
	int rc = 0;

	for (size_t row = 0; !rc && row < 8 * e->size; row++) {
		if (e->rows[row / 8] >> row % 8 & 1)
			rc = run_end_row(db, run_row_id(e->run, (int64_t)row),
					 seq, err);
	}
	return rc;
}

int
store_ends_tell(const struct store_ends *ends, struct sql *db, int64_t seq,
		struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < ends->n; i++) {
		const struct ending *e = &ends->runs[i];

		rc = is_all(e, db, err);
		if (rc >= 0)
			rc = rc ? end_run(e->run, db, seq, err)
				: end_rows(e, db, seq, err);
	}
	return rc;
}
