/*
 * Which rows of runs hold no longer: table gone. See run.h.
 *
 * A row of the table is for those rows of a stretch that end by one publish, a
 * byte for each. A submission that changes a tenth of a resource would write
 * ten times as many rows otherwise, and every reader step through them.
 */
#include "store/run.h"
#include "store/run_cache.h"

/* The rows of a stretch have ids that begin alike. */
#define STRETCH_BITS 7
#define OF_RUN RUN_GONE_OF("?1")
_Static_assert(RUN_STRETCH == 1 << STRETCH_BITS, "see RUN_GONE_OF");

static int64_t
stretch_of(int64_t id)
{
	return id >> STRETCH_BITS;
}

static unsigned char
place_of(int64_t id)
{
	return (unsigned char)(id & (RUN_STRETCH - 1));
}

/* ---- ending -------------------------------------------------------------- */

static int
add(struct sql *db, int64_t stretch, int64_t seq, struct slice places,
    struct error *err)
{
	static const char text[] =
		"INSERT INTO gone(stretch, until, places) VALUES(?1, ?2, ?3)"
		" ON CONFLICT DO UPDATE SET"
		" places = CAST(places || excluded.places AS BLOB)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	run_cache_row_ended(db);
	sql_bind_int(stmt, 1, stretch);
	sql_bind_int(stmt, 2, seq);
	sql_bind_blob(stmt, 3, places);
	return sql_run(db, stmt, err);
}

int
run_end_row(struct sql *db, int64_t id, int64_t seq, struct error *err)
{
	const char place = (char)place_of(id);

	return add(db, stretch_of(id), seq, (struct slice){&place, 1}, err);
}

int
run_end_rows(struct sql *db, int64_t first,
	     const unsigned char bits[static RUN_STRETCH / 8], int64_t seq,
	     struct error *err)
{
	char places[RUN_STRETCH];
	size_t n = 0;

	for (int i = 0; i < RUN_STRETCH; i++) {
		if (bits[i / 8] >> i % 8 & 1)
			places[n++] = (char)i;
	}
	return n ? add(db, stretch_of(first), seq, (struct slice){places, n},
		       err)
		 : 0;
}

/* ---- reading ------------------------------------------------------------- */

int
run_gone_some(struct sql *db, int64_t run, bool *ret, struct error *err)
{
	static const char text[] =
		"SELECT 1 FROM gone WHERE " OF_RUN " LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, run);
	rc = sql_step(db, stmt, err);
	*ret = rc > 0;
	return rc < 0 ? rc : 0;
}

int
run_row_until(struct sql *db, int64_t id, int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT until FROM gone WHERE stretch = ?1"
				   " AND instr(places, ?2)";
	const char place = (char)place_of(id);
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, stretch_of(id));
	sql_bind_blob(stmt, 2, (struct slice){&place, 1});
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = sql_int(stmt, 0);
	return rc;
}

int
run_row_is_gone(struct sql *db, int64_t id, int64_t at, struct error *err)
{
	int64_t until = 0;
	int rc = run_row_until(db, id, &until, err);

	return rc <= 0 ? rc : until <= at;
}

int
run_gone_bits(struct sql *db, int64_t first, int64_t n, int64_t at,
	      struct buf *ret, struct error *err)
{
	static const char text[] = "SELECT stretch, places FROM gone"
				   " WHERE stretch BETWEEN ?1 AND ?2"
				   " AND +until <= ?3";
	const size_t bytes = (size_t)(n + 7) / 8;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	buf_clear(ret);
	if (buf_reserve(ret, bytes))
		return error_nomem(err);
	memset(ret->data, 0, bytes);
	ret->len = bytes;
	sql_bind_int(stmt, 1, stretch_of(first));
	sql_bind_int(stmt, 2, stretch_of(first + n - 1));
	sql_bind_int(stmt, 3, at);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		int64_t from = (sql_int(stmt, 0) << STRETCH_BITS) - first;
		struct slice places = sql_bytes(stmt, 1);

		for (size_t i = 0; i < places.n; i++) {
			int64_t row = from + (unsigned char)places.p[i];

			if (row >= 0 && row < n)
				ret->data[row / 8] |= (char)(1 << row % 8);
		}
	}
	return rc;
}

/* The rows of one stretch, and when they ended. */
struct stretch {
	int64_t number;
	int64_t until[RUN_STRETCH]; /* 0: not, or not asked for */
};

static int
give(struct stretch *s, run_gone_fn *each, void *ctx)
{
	int rc = 0;

	for (int i = 0; !rc && i < RUN_STRETCH; i++) {
		if (s->until[i])
			rc = each(ctx, (s->number << STRETCH_BITS) + i,
				  s->until[i]);
	}
	return rc;
}

int
run_gone_each(struct sql *db, int64_t run, int64_t after, int64_t upto,
	      run_gone_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT stretch, until, places FROM gone WHERE " OF_RUN
		" AND +until > ?2 AND +until <= ?3 ORDER BY stretch";
	struct stretch s = {0};
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, run);
	sql_bind_int(stmt, 2, after);
	sql_bind_int(stmt, 3, upto);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct slice places = sql_bytes(stmt, 2);

		if (sql_int(stmt, 0) != s.number) {
			rc = give(&s, each, ctx);
			if (rc)
				return rc;
			s = (struct stretch){.number = sql_int(stmt, 0)};
		}
		for (size_t i = 0; i < places.n; i++)
			s.until[places.p[i] & (RUN_STRETCH - 1)] =
				sql_int(stmt, 1);
	}
	return rc ? rc : give(&s, each, ctx);
}
