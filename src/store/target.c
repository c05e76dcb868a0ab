/* Records as they are to be: see target.h. */
#include "store/target.h"

#include "store/sql.h"

#include <stdlib.h>

struct store_target {
	struct sql *db;
	int64_t turn; /* counts snapshots */
	sqlite3_stmt *walk;
};

static const char table[] = "CREATE TABLE target("
			    "  key BLOB PRIMARY KEY, cells BLOB NOT NULL,"
			    "  submission TEXT NOT NULL, turn INTEGER NOT NULL"
			    ") STRICT, WITHOUT ROWID;"
			    "BEGIN;";

int
store_target_open(struct store_target **ret, struct error *err)
{
	struct store_target *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return error_nomem(err);
	rc = sql_open("", SQL_SCRATCH, &t->db, err);
	if (!rc)
		rc = sql_exec(t->db, table, err);
	if (rc) {
		store_target_close(t);
		return rc;
	}
	*ret = t;
	return 0;
}

void
store_target_close(struct store_target *t)
{
	if (!t)
		return;
	sql_reset(&t->walk);
	sql_close(t->db);
	free(t);
}

static int
find(struct store_target *t, const char *text, struct slice key,
     struct buf *out, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(t->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_blob(stmt, 1, key);
	rc = sql_step(t->db, stmt, err);
	if (rc > 0 && out && buf_addslice(out, sql_bytes(stmt, 0)))
		return error_nomem(err);
	return rc;
}

int
store_target_get(struct store_target *t, struct slice key, struct buf *cells,
		 struct error *err)
{
	static const char text[] = "SELECT cells FROM target WHERE key = ?1";

	return find(t, text, key, cells, err);
}

int
store_target_whose(struct store_target *t, struct slice key, struct buf *ret,
		   struct error *err)
{
	static const char text[] =
		"SELECT submission FROM target WHERE key = ?1";

	return find(t, text, key, ret, err);
}

int
store_target_put(struct store_target *t, struct slice key, struct slice cells,
		 const char *submission, struct error *err)
{
	static const char text[] =
		"INSERT INTO target(key, cells, submission, turn)"
		" VALUES(?1, ?2, ?3, ?4) ON CONFLICT(key) DO UPDATE SET"
		" submission = iif(cells = excluded.cells, submission,"
		"  excluded.submission),"
		" cells = excluded.cells, turn = excluded.turn";
	scope_stmt *stmt = NULL;
	int rc = sql_get(t->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_blob(stmt, 1, key);
	sql_bind_blob(stmt, 2, cells);
	sql_bind_text(stmt, 3, submission);
	sql_bind_int(stmt, 4, t->turn);
	return sql_run(t->db, stmt, err);
}

static int
run_on_key(struct store_target *t, const char *text, struct slice key,
	   struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(t->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_blob(stmt, 1, key);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sql_bind_int(stmt, 2, t->turn);
	return sql_run(t->db, stmt, err);
}

int
store_target_remove(struct store_target *t, struct slice key, struct error *err)
{
	static const char text[] = "DELETE FROM target WHERE key = ?1";

	return run_on_key(t, text, key, err);
}

void
store_target_begin(struct store_target *t)
{
	t->turn++;
}

int
store_target_leave(struct store_target *t, struct slice key, struct error *err)
{
	static const char text[] = "UPDATE target SET turn = ?2 WHERE key = ?1";

	return run_on_key(t, text, key, err);
}

int
store_target_end(struct store_target *t, struct error *err)
{
	static const char text[] = "DELETE FROM target WHERE turn <> ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(t->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, t->turn);
	return sql_run(t->db, stmt, err);
}

int
store_target_first(struct store_target *t, struct error *err)
{
	static const char text[] =
		"SELECT key, cells, submission FROM target ORDER BY key";

	sql_reset(&t->walk);
	t->walk = NULL;
	return sql_get(t->db, text, &t->walk, err);
}

int
store_target_next(struct store_target *t, struct store_target_row *ret,
		  struct error *err)
{
	int rc = sql_step(t->db, t->walk, err);

	if (rc <= 0)
		return rc;
	*ret = (struct store_target_row){
		.key = sql_bytes(t->walk, 0),
		.cells = sql_bytes(t->walk, 1),
		.submission = (const char *)sqlite3_column_text(t->walk, 2),
	};
	return 1;
}
