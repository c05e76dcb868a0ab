/* The rows of a fix file while it is judged: see fix_rows.h. */
#include "store/fix_rows.h"

#include "store/sql.h"

#include <stdlib.h>

struct store_fix_rows {
	struct sql *db;
	/* between these there is no row: nobody is asked */
	int64_t after, before; /* before 0: not known */
};

static const char table[] = "CREATE TABLE fix("
			    "  row INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
			    "  cells BLOB NOT NULL, flaws BLOB NOT NULL"
			    ") STRICT;"
			    "BEGIN;";

int
store_fix_rows_open(struct store_fix_rows **ret, struct error *err)
{
	struct store_fix_rows *rows = calloc(1, sizeof(*rows));
	int rc;

	if (!rows)
		return error_nomem(err);
	rc = sql_open("", SQL_SCRATCH, &rows->db, err);
	if (!rc)
		rc = sql_exec(rows->db, table, err);
	if (rc) {
		store_fix_rows_close(rows);
		return rc;
	}
	*ret = rows;
	return 0;
}

void
store_fix_rows_close(struct store_fix_rows *rows)
{
	if (!rows)
		return;
	sql_close(rows->db);
	free(rows);
}

int
store_fix_rows_put(struct store_fix_rows *rows, int64_t row,
		   enum store_fix_kind kind, struct slice cells,
		   struct slice flaws, struct error *err)
{
	static const char text[] =
		"INSERT OR REPLACE INTO fix(row, kind, cells, flaws)"
		" VALUES(?1, ?2, ?3, ?4)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(rows->db, text, &stmt, err);

	if (rc)
		return rc;
	rows->before = 0;
	sql_bind_int(stmt, 1, row);
	sql_bind_int(stmt, 2, kind);
	sql_bind_blob(stmt, 3, cells);
	sql_bind_blob(stmt, 4, flaws);
	return sql_run(rows->db, stmt, err);
}

static int
find(struct store_fix_rows *rows, int64_t row, enum store_fix_kind *ret,
     struct buf *cells, struct buf *flaws, struct error *err)
{
	static const char text[] =
		"SELECT kind, cells, flaws FROM fix WHERE row = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(rows->db, text, &stmt, err);

	*ret = STORE_FIX_OTHER;
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row);
	rc = sql_step(rows->db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret = (enum store_fix_kind)sql_int(stmt, 0);
	if ((cells && buf_addslice(cells, sql_bytes(stmt, 1))) ||
	    (flaws && buf_addslice(flaws, sql_bytes(stmt, 2))))
		return error_nomem(err);
	return 0;
}

int
store_fix_rows_kind(struct store_fix_rows *rows, int64_t row,
		    enum store_fix_kind *ret, struct error *err)
{
	return find(rows, row, ret, NULL, NULL, err);
}

/* Where the next row is: most rows of a file are none of these. */
static int
look_ahead(struct store_fix_rows *rows, int64_t row, struct error *err)
{
	static const char text[] = "SELECT min(row) FROM fix WHERE row >= ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(rows->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row);
	rc = sql_step(rows->db, stmt, err);
	if (rc < 0)
		return rc;
	rows->after = row;
	rows->before = sql_is_null(stmt, 0) ? INT64_MAX : sql_int(stmt, 0);
	return 0;
}

int
store_fix_rows_get(struct store_fix_rows *rows, int64_t row,
		   enum store_fix_kind *ret, struct buf *cells,
		   struct buf *flaws, struct error *err)
{
	int rc = 0;

	*ret = STORE_FIX_OTHER;
	if (!rows->before || row < rows->after || row > rows->before)
		rc = look_ahead(rows, row, err);
	if (rc || row < rows->before)
		return rc;
	return find(rows, row, ret, cells, flaws, err);
}

int
store_fix_rows_each(struct store_fix_rows *rows, store_fix_rows_fn *each,
		    void *ctx, struct error *err)
{
	static const char text[] = "SELECT row, cells FROM fix"
				   " WHERE kind = ?1 ORDER BY row";
	scope_stmt *stmt = NULL;
	int rc = sql_get(rows->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, STORE_FIX_BACK);
	while ((rc = sql_step(rows->db, stmt, err)) > 0) {
		rc = each(ctx, sql_int(stmt, 0), sql_bytes(stmt, 1));
		if (rc)
			break;
	}
	return rc;
}
