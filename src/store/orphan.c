/* Orphans, in the order of their places: table orphan, and runs. See record.h.
 */
#include "store/record.h"

#include "store/run.h"
#include "store/sql.h"

#include <stdlib.h>

#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "

/* ---- in order ------------------------------------------------------------ */

static int
give_orphans(struct run_merge *m, store_orphan_each_fn *each, void *ctx,
	     struct error *err)
{
	bool is_run;
	int rc;

	while ((rc = run_merge_next(m, &is_run, err)) > 0) {
		rc = is_run ? each(ctx, m->row.key, m->row.id)
			    : each(ctx, sql_bytes(m->stmt, 0), 0);
		if (rc)
			return rc;
	}
	return rc;
}

static const char *
text_of_range(struct sql *db, int64_t at, bool is_bounded)
{
	static const char bounded[] =
		"SELECT place FROM orphan WHERE theme = ?1 AND" HOLDS
		"AND place >= ?3 AND place < ?4 ORDER BY place";
	static const char open[] =
		"SELECT place FROM orphan WHERE theme = ?1 AND" HOLDS
		"AND place >= ?3 ORDER BY place";
	static const char bounded_now[] =
		"SELECT place FROM orphan INDEXED BY orphan_now"
		" WHERE theme = ?1 AND until IS NULL"
		" AND place >= ?3 AND place < ?4 ORDER BY place";
	static const char open_now[] =
		"SELECT place FROM orphan INDEXED BY orphan_now"
		" WHERE theme = ?1 AND until IS NULL AND place >= ?3"
		" ORDER BY place";

	if (sql_is_writing(db, at))
		return is_bounded ? bounded_now : open_now;
	return is_bounded ? bounded : open;
}

static int
get_range(struct sql *db, int64_t theme, int64_t at, struct slice lo,
	  struct slice hi, sqlite3_stmt **ret, struct error *err)
{
	int rc = sql_get(db, text_of_range(db, at, hi.n), ret, err);

	if (rc)
		return rc;
	sql_bind_int(*ret, 1, theme);
	sql_bind_int(*ret, 2, at);
	sql_bind_blob(*ret, 3, lo);
	if (hi.n)
		sql_bind_blob(*ret, 4, hi);
	return 0;
}

int
store_orphan_each(struct sql *db, int64_t theme, int64_t at, struct slice lo,
		  struct slice hi, store_orphan_each_fn *each, void *ctx,
		  struct error *err)
{
	scope_stmt *stmt = NULL;
	struct run_merge m = {0};
	int rc = get_range(db, theme, at, lo, hi, &stmt, err);

	if (rc)
		return rc;
	m.stmt = stmt;
	rc = run_walk_open(&m.walk, db, RUN_ORPHAN, theme, at, lo, hi, err);
	if (!rc)
		rc = give_orphans(&m, each, ctx, err);
	run_walk_close(&m.walk);
	return rc;
}

/* ---- range by range ------------------------------------------------------ */

struct store_orphan_walk {
	struct run_ranges ranges;
};

int
store_orphan_walk_open(struct sql *db, int64_t theme, int64_t at,
		       struct store_orphan_walk **ret, struct error *err)
{
	static const char now[] = "SELECT 1 FROM orphan INDEXED BY orphan_now"
				  " WHERE theme = ?1 AND until IS NULL LIMIT 1";
	static const char then[] =
		"SELECT 1 FROM orphan WHERE theme = ?1 AND" HOLDS "LIMIT 1";
	struct store_orphan_walk *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return error_nomem(err);
	rc = run_ranges_open(&w->ranges, db, RUN_ORPHAN, theme, at, now, then,
			     err);
	if (rc)
		store_orphan_walk_close(w);
	else
		*ret = w;
	return rc;
}

void
store_orphan_walk_close(struct store_orphan_walk *w)
{
	if (!w)
		return;
	run_walk_close(&w->ranges.walk);
	free(w);
}

int
store_orphan_walk_each(struct store_orphan_walk *w, struct slice lo,
		       struct slice hi, store_orphan_each_fn *each, void *ctx,
		       struct error *err)
{
	struct run_walk *walk = &w->ranges.walk;
	scope_stmt *stmt = NULL;
	struct run_merge m = {0};
	int rc = run_walk_seek(walk, lo, hi, err);

	if (!rc && w->ranges.has_table)
		rc = get_range(walk->db, walk->owner, walk->at, lo, hi, &stmt,
			       err);
	if (rc)
		return rc;
	m.walk = *walk; /* lent, and taken back as far as it has come */
	m.stmt = stmt;
	rc = give_orphans(&m, each, ctx, err);
	*walk = m.walk;
	return rc;
}

/* ---- changes ------------------------------------------------------------- */

int
store_orphan_insert(struct sql *db, int64_t theme, int64_t seq,
		    struct slice place, struct error *err)
{
	static const char text[] = "INSERT INTO orphan(theme, place, since)"
				   " VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_blob(stmt, 2, place);
	sql_bind_int(stmt, 3, seq);
	return sql_run(db, stmt, err);
}

static int
end_in_runs(struct sql *db, int64_t theme, int64_t seq, struct slice place,
	    struct error *err)
{
	scope_run_walk walk = {0};
	struct run_row row;
	int rc = run_find(&walk, db, RUN_ORPHAN, theme, seq, place, &row, err);

	return rc <= 0 ? rc : run_end_row(db, row.id, seq, err);
}

int
store_orphan_end(struct sql *db, int64_t theme, int64_t seq, struct slice place,
		 struct error *err)
{
	static const char text[] = "UPDATE orphan SET until = ?3"
				   " WHERE theme = ?1 AND place = ?2"
				   " AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_blob(stmt, 2, place);
	sql_bind_int(stmt, 3, seq);
	rc = sql_run(db, stmt, err);
	return rc || sql_changes(db) ? rc
				     : end_in_runs(db, theme, seq, place, err);
}
