/*
 * Runs that no version shows any more: see retain.h and run.h. A run goes with
 * its file when it has ended, and it ends when the last of its rows has; rows
 * that ended before stay in the file until then.
 */
#include "store/retain_runs.h"

#include "store/retain.h"
#include "store/run.h"
#include "store/run_files.h"
#include "store/sql.h"

#define OF_RUN RUN_GONE_OF("?1")
#define GONE RUN_GONE_OF("run.id")

static int
run(struct sql *db, const char *text, const int64_t bind[static 4],
    int64_t *ret_n, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_ints(stmt, bind, 4);
	rc = sql_run(db, stmt, err);
	*ret_n = sql_changes(db);
	return rc;
}

/* ---- runs that have ended ------------------------------------------------ */

/* 1 and the run, 0. */
static int
find_ended(struct sql *db, bool of_theme, int64_t owner, int64_t horizon,
	   int64_t *ret, struct error *err)
{
	static const char theme[] = "SELECT id FROM run WHERE kind IN(3, 4, 5)"
				    " AND owner = ?1 AND until <= ?2 LIMIT 1";
	static const char all[] = "SELECT id FROM run WHERE kind IN(1, 2)"
				  " AND until <= ?2 LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, of_theme ? theme : all, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, owner);
	sql_bind_int(stmt, 2, horizon);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = sql_int(stmt, 0);
	return rc;
}

/* What says which of its rows had ended, then the run and its file. */
static int
drop_run(struct sql *db, int64_t id, int64_t limit, int64_t *ret,
	 struct error *err)
{
	static const char gone[] =
		"DELETE FROM gone WHERE (stretch, until) IN (SELECT stretch,"
		" until FROM gone WHERE " OF_RUN " LIMIT ?2)";
	const int64_t bind[4] = {id, limit};
	int64_t n = 0;
	int rc = run(db, gone, bind, &n, err);

	*ret += n;
	if (rc || n >= limit)
		return rc;
	rc = run(db, "DELETE FROM run WHERE id = ?1", bind, &n, err);
	*ret += n;
	return rc ? rc : run_files_dropped(sql_runs(db), id, err);
}

int
store_retain_drop_runs(struct sql *db, bool of_theme, int64_t owner,
		       int64_t horizon, int64_t limit, int64_t *ret,
		       struct error *err)
{
	int64_t id = 0;
	int rc = 0;

	*ret = 0;
	while (*ret < limit &&
	       (rc = find_ended(db, of_theme, owner, horizon, &id, err)) > 0) {
		rc = drop_run(db, id, limit - *ret, ret, err);
		if (rc)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

/* ---- runs all rows of which have ended ----------------------------------- */

/* The names of a theme's subjects by shelf end with the subjects. */
int
store_retain_end_runs(struct sql *db, int64_t horizon, struct error *err)
{
	static const char rows[] =
		"UPDATE run SET until = ?1 WHERE kind <> 4"
		" AND until IS NULL AND since < ?1 AND rows <="
		" (SELECT coalesce(sum(length(places)), 0) FROM gone"
		"  WHERE " GONE " AND +gone.until <= ?1)";
	static const char shelves[] =
		"UPDATE run SET until = ?1 WHERE kind = 4 AND until IS NULL"
		" AND since < ?1 AND NOT EXISTS(SELECT 1 FROM run s"
		"  WHERE s.until IS NULL AND s.id = (SELECT max(id) FROM run t"
		"   WHERE t.kind = 3 AND t.owner = run.owner"
		"   AND t.since = run.since AND t.id < run.id))";
	const int64_t bind[4] = {horizon};
	int64_t n;
	int rc = run(db, rows, bind, &n, err);

	return rc ? rc : run(db, shelves, bind, &n, err);
}

/* ---- which there are ----------------------------------------------------- */

void
store_run_name(int64_t run, char name[static STORE_RUN_NAME_MAX])
{
	run_file_name(run, name);
}

int
store_run_each(struct sql *db, store_run_each_fn *each, void *ctx,
	       struct error *err)
{
	static const char text[] = "SELECT id, since FROM run ORDER BY id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	while (!rc && (rc = sql_step(db, stmt, err)) > 0)
		rc = each(ctx, sql_int(stmt, 0), sql_int(stmt, 1));
	return rc;
}
